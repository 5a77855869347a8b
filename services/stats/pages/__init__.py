"""Pages of figures for people: `/stats/` and `/stats/articles/{id}/`."""
