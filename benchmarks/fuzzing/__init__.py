"""A hundred thousand requests that nobody meant (criterion 20)."""
