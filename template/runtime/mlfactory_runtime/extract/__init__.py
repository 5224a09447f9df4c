"""`factory extract`: the model and the least code that scores, without this library."""
