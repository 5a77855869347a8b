"""Statistics of reads: what the portal, the editors and the operators ask of the counts."""
