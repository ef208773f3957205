"""How often Python's garbage collector looks: a program that settles makes very many objects, and hardly any cycles."""

import gc


def look_less() -> None:
    """Leave out what is imported by now, and look every 20,000 objects; looking every 700 is a sixth of all work."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
