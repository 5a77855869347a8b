"""MongoDB: the client, transactions, collections, and the books of counting."""
