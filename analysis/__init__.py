"""The statistics of satisfaction surveys: from a table and a design to indices, editions and scorecards."""
