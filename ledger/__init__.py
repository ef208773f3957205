"""What happened, and what is still to be delivered."""
