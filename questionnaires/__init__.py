"""What is asked and how it is scored: questionnaires as data, and the pure code that reads them."""
