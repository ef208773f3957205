"""The table of faces on their way between kiosks: sealed boxes that nobody at the gateway can read."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from ledger.tables import Base


class FaceBoxRow(Base):
    """A box that waits for its recipient; a newer one about the same person takes its place."""

    __tablename__ = "face_boxes"
    sender_id: Mapped[str] = mapped_column(sa.ForeignKey("devices.id"), primary_key=True)
    recipient_id: Mapped[str] = mapped_column(sa.ForeignKey("devices.id"), primary_key=True)
    person_id: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    consent_id: Mapped[str] = mapped_column(sa.String(32), index=True)
    name: Mapped[str] = mapped_column(sa.String(64))
    """SHA-256 of the box, by which its recipient calls it."""
    made_at: Mapped[datetime]
    good_until: Mapped[datetime]
    box: Mapped[bytes]
    """As it was signed; what is inside is sealed to the recipient's key."""
