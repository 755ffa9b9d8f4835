"""What a phone on a slow network downloads until the first question, and when it is seen."""
