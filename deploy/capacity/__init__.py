"""What portals of different sizes need, from measured costs, and a simulation that checks it."""
