"""What `make run` shows: a published round of real answers and a small open round with codes to try."""
