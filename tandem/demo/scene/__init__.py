"""The parts of a drawn scene."""
