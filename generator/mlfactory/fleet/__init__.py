"""Many repositories at once: how they are, what they have in production, what brings them on."""
