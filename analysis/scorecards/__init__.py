"""What a unit is shown about itself."""
