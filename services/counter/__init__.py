"""counter: folds read events in memory and commits them to MongoDB, each exactly once."""
