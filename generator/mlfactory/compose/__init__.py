"""`mlfactory template compose`: a company's own conventions on top of each release."""
