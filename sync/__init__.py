"""Delivers what has to leave: hour records and notices."""
