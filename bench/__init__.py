"""How fast it is, and on what: `make bench` measures what the design promises and writes it down."""
