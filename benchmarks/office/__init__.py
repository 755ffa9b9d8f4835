"""The numbers of issue 7: a round without a programmer, its monitor, its editor and its list of people."""
