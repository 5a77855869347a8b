"""Unique readers of each day, and readers online, from the stream of batches."""
