"""Public records that nobody can quietly change, and nobody can quietly read."""
