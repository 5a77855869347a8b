"""Search over the portal's articles: the index, and answers from it."""
