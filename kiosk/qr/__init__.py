"""QR codes: read from a frame, with more effort only where one is promised."""
