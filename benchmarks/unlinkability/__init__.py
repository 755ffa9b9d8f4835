"""The unlinkability game, played at its full size; the game itself is in tests/support/game."""
