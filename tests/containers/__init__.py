"""Docker and compose with stand-ins for the images that can't be pulled."""
