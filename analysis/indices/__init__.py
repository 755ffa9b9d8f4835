"""Indices: weighted trees of item means, compared between units."""
