"""One object for a statistician: a table with its labels and design, every estimator, and results as frames."""
