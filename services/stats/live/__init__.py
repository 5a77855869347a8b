"""Live figures: a stream of events that open pages follow."""
