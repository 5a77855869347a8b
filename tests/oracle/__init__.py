"""Every figure of every endpoint of stats, asked from real processes that are killed meanwhile, and
computed the slow way from a plain list of reads: `make oracle`.
"""
