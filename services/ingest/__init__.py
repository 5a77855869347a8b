"""ingest: takes articles and reads over HTTP and publishes events."""
