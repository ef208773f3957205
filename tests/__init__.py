"""Claims about Tandem, and the proof of each."""
