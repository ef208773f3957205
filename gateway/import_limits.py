"""How large a file may be that somebody wants to bring in, and what is said of one that cannot be read.

* Unreadable        it cannot be read, or not from some line on; its code says why
"""

from typing import Any

MEBIBYTE = 1024 * 1024
MOST_BYTES = 32 * MEBIBYTE
MOST_LINES = 200_000
MOST_COLUMNS = 64
LONGEST_CELL = 2000
LONGEST_ROW = 2 * MEBIBYTE
"""More than honest rows have; what is longer is not even taken apart."""
PIECE = 64 * 1024


class Unreadable(Exception):
    """This file, or the rest of it, cannot be read."""

    def __init__(self, code: str, line: int = 0, **about: Any) -> None:
        super().__init__(code)
        self.code, self.line, self.about = code, line, about
