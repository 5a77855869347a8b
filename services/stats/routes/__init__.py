"""The routes of stats' API, a module for each subject."""
