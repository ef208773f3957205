"""A sample company and its day, played for people who want to see Tandem work."""
