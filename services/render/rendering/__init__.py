"""Rendering: articles into HTML, and stored pages kept in step with the articles."""
