"""The kinds of pages: a module for each."""
