"""What a genuine badge says of its holder here and now: who it is, and whether it is still good."""

from dataclasses import replace

from attendance.admission import Credential
from kiosk.roster import Day, RosterBook
from kiosk.scan import Scan
from protocol.badge import Badge, DynamicBadge, age


def named(scan: Scan, shown: Badge, book: RosterBook) -> Scan:
    """Take a printed badge."""
    day = book.day()
    learner = day.by_badge.get(shown.id) if day else None
    return replace(scan, badge=shown.id.hex, credential=credential_of(shown, scan, book), learner=learner)


def credential_of(shown: Badge, scan: Scan, book: RosterBook) -> Credential:
    """Say whether a printed badge, a learner's or of staff, still counts."""
    if book.is_revoked(shown.id):
        return "revoked"
    # A clock that nobody set must not make good badges expire; the gateway looks again.
    return "expired" if not scan.uncertain and shown.expired(scan.at) else "good"


def signed_in(scan: Scan, shown: DynamicBadge, day: Day | None) -> Scan:
    """Take the code of a learner's phone, if it is of this moment."""
    how_old = age(shown.issued_at, scan.at)
    expired = how_old == "over" and not scan.uncertain
    return replace(
        scan,
        method="dynamic_badge",
        credential="expired" if expired else "good",
        learner=day.learners.get(shown.person) if day else None,
        person=shown.person,
        code_at=shown.issued_at,
        # The gateway cannot have signed what is still to come: it is our clock that is behind.
        clock="unknown" if how_old == "ahead" else scan.clock,
    )
