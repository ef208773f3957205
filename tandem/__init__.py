"""The `tandem` command, and everything on one machine."""
