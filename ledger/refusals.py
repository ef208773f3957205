"""What somebody asked of the ledger and cannot have; each has a code, for pages that say it in two languages.

* NotPossible
  + Unknown       there is no such thing
  + NotAllowed    somebody else may do this, but not who asked
  + TooLate       things have moved on since the page was made
  + Incomplete    something is missing or wrong; correct it and send it again
"""


class NotPossible(Exception):
    """This cannot be done; the message says why."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


class Unknown(NotPossible):
    """There is no such thing."""


class NotAllowed(NotPossible):
    """Somebody else may do this, but not who asked."""


class TooLate(NotPossible):
    """Things have moved on; look again before trying again."""


class Incomplete(NotPossible):
    """Something is missing or wrong; correct it and send it again."""
