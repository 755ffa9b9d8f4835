"""What strangers can do to an open round by sheer numbers: slow connections, guessed codes, scripts on an open link."""
