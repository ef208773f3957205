"""A check-in station: it sees, decides who, keeps, sends."""
