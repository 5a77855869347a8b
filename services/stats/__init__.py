"""stats: answers queries about the counts, for the portal, editors and operators."""
