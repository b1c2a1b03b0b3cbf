"""Counting mentions against gold, and how sure the figures are: without any model."""
