"""Reads by section: sums over the articles that are in it."""
