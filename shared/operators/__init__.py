"""What the operators' commands `shared.parked` and `shared.replay` are made of."""
