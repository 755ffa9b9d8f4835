"""What is computed for a round, and what of it may be published."""
