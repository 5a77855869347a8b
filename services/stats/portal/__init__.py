"""What stats stores for render's pages: the site's figures, most read and trending articles."""
