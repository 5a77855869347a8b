"""Judges counted reads again after a change of the rules for bots, and corrects the counts once."""
