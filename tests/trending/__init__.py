"""A simulated portal, on which formulas for trending articles are compared."""
