"""Search measured on a hundred thousand articles, beside MongoDB's own text index."""
