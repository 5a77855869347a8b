"""Languages of pages: their words, numbers and dates."""
