"""The parts of the operators' commands `shared.parked` and `shared.replay`."""
