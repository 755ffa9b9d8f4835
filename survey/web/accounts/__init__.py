"""Signing in and one's own account: the same pages for officers and for units' people, each in their own area."""
