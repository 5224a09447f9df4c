"""What is written to files and read by others: frozen, and with the number of its form."""
