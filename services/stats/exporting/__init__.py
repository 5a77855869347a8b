"""Exports: every read by article and quarter of an hour, and long series."""
