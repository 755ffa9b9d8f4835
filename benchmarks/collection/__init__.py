"""How fast answers are taken: the real server under many respondents, beside the least that any server could do."""
