"""The kinds of questions that a specification may ask, a module for each family."""
