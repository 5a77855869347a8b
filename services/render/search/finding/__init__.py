"""What searches ask of MongoDB."""
