"""What kiosks and the gateway say to each other."""
