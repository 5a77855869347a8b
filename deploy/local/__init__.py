"""A private broker, database and set of services on this machine, for the demo and the tests."""
