"""What a template makes of answers."""
