"""Articles and pictures: the API, cleaning, the outbox relay, reconciliation."""
