"""Commits changes of articles, several in one transaction."""
