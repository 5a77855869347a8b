"""counter: folds batches of reads in memory and commits each to MongoDB exactly once."""
