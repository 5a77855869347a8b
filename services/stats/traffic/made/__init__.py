"""The projections as they are written."""
