"""HTTP: the app factory, the server's protocol and its limits, problem documents, OpenAPI."""
