"""Does an interval of 95 % hold the true value 95 times in a hundred? Counted in a province that is known."""
