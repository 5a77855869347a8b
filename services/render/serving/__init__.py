"""Serving: the route table, the server, its answers, and what it keeps in memory."""
