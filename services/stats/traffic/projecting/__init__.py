"""Writes the projections of hours, days and months."""
