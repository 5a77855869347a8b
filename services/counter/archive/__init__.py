"""Moves old days of articles from the buckets to the archive."""
