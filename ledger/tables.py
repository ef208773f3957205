"""The ledger's tables. People's names and numbers stand in `people` only; everything else holds an opaque id."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from ledger.database import Exact, UtcDateTime


class Base(DeclarativeBase):
    """Every table."""

    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(column_0_N_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012  SQLAlchemy reads it from the class
        datetime: UtcDateTime,
        Decimal: Exact,
        dict[str, Any]: sa.JSON,
        list[str]: sa.JSON,
        list[Any]: sa.JSON,
        bytes: sa.LargeBinary,
    }


# People and places


class RegionRow(Base):
    """A part of the company with its own zone and credit rule."""

    __tablename__ = "regions"
    id: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    name: Mapped[str]
    zone: Mapped[str]
    rule: Mapped[str]
    """The name of the credit rule that holds where a course names none."""


class RoomRow(Base):
    """A place with a door."""

    __tablename__ = "rooms"
    id: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    region_id: Mapped[str] = mapped_column(sa.ForeignKey("regions.id"))
    name: Mapped[str]


class PersonRow(Base):
    """A learner or trainer; the only place where a name stands."""

    __tablename__ = "people"
    id: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    region_id: Mapped[str] = mapped_column(sa.ForeignKey("regions.id"))
    number: Mapped[str] = mapped_column(unique=True)
    """The company's own personnel number."""
    name: Mapped[str]
    role: Mapped[str]
    """What the person learns as: clerk, reserve_manager; or trainer."""
    language: Mapped[str] = mapped_column(default="en")
    phone: Mapped[str | None]
    pin_hash: Mapped[str | None]
    """argon2id; only for sign-in online."""


class ConsentRow(Base):
    """A person's yes to one use of their data, with the version of the text they read."""

    __tablename__ = "consents"
    id: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    person_id: Mapped[str] = mapped_column(sa.ForeignKey("people.id"), index=True)
    purpose: Mapped[str]
    version: Mapped[str]
    given_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]


class BadgeRow(Base):
    """A badge that was issued; its code is signed and not stored."""

    __tablename__ = "badges"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[str] = mapped_column(sa.ForeignKey("people.id"), index=True)
    key_id: Mapped[int]
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    staff: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    """Whoever holds it may check others in; it checks nobody in by itself."""


# Courses and sessions


class CourseRow(Base):
    """What is taught."""

    __tablename__ = "courses"
    id: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    title: Mapped[str]
    title_zh: Mapped[str]
    rule: Mapped[str | None]
    pass_mark: Mapped[Decimal | None]
    """The points of its test from which on it is passed."""


class ScoreRow(Base):
    """A learner's points in a test, or how content somebody was, as another system reports it."""

    __tablename__ = "scores"
    person_id: Mapped[str] = mapped_column(sa.ForeignKey("people.id"), primary_key=True)
    course_id: Mapped[str] = mapped_column(sa.ForeignKey("courses.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(16), primary_key=True)
    """`test` or `satisfaction`."""
    at: Mapped[datetime] = mapped_column(primary_key=True)
    points: Mapped[Decimal]


class SessionRow(Base):
    """One sitting of a course, in a room or online."""

    __tablename__ = "sessions"
    id: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    course_id: Mapped[str] = mapped_column(sa.ForeignKey("courses.id"))
    region_id: Mapped[str] = mapped_column(sa.ForeignKey("regions.id"))
    room_id: Mapped[str | None] = mapped_column(sa.ForeignKey("rooms.id"))
    trainer_id: Mapped[str | None] = mapped_column(sa.ForeignKey("people.id"))
    program_id: Mapped[str | None] = mapped_column(sa.String(32))
    """A joint session of this programme: partners who come together have joint hours of it."""
    starts_at: Mapped[datetime] = mapped_column(index=True)
    ends_at: Mapped[datetime]
    zone: Mapped[str]
    local_date: Mapped[date] = mapped_column(index=True)
    """The date of the start in `zone`: the day that is settled as one."""
    breaks: Mapped[list[Any]] = mapped_column(default=list)
    """Pairs of RFC 3339 instants."""
    methods: Mapped[list[str]]
    least_assurance: Mapped[str] = mapped_column(default="paper")
    missing_out: Mapped[str] = mapped_column(default="review")
    cancelled: Mapped[bool] = mapped_column(default=False)
    series_id: Mapped[str | None] = mapped_column(sa.String(32), index=True)
    """The same for all sittings that were planned as one recurring session."""
    presence_checks: Mapped[int] = mapped_column(default=0)
    """How often learners are asked, at moments nobody can foresee, whether they are still there."""
    earlier: Mapped[list[Any]] = mapped_column(default=list)
    """Plans that held before, when the session had opened already: start, end (RFC 3339) and room."""


class RosterRow(Base):
    """A learner's place in a session."""

    __tablename__ = "rosters"
    session_id: Mapped[str] = mapped_column(sa.ForeignKey("sessions.id"), primary_key=True)
    person_id: Mapped[str] = mapped_column(sa.ForeignKey("people.id"), primary_key=True, index=True)


class PresenceCheckRow(Base):
    """A moment at which the learners of a session are asked whether they are still there."""

    __tablename__ = "presence_checks"
    id: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    session_id: Mapped[str] = mapped_column(sa.ForeignKey("sessions.id"), index=True)
    asked_at: Mapped[datetime]
    answer_until: Mapped[datetime]


class PresenceAnswerRow(Base):
    """A learner's answer to a presence check; the first one counts."""

    __tablename__ = "presence_answers"
    check_id: Mapped[str] = mapped_column(sa.ForeignKey("presence_checks.id"), primary_key=True)
    person_id: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    at: Mapped[datetime]


# Devices


class RegistrationCodeRow(Base):
    """A one-time code, of which only the first half is kept as it is."""

    __tablename__ = "registration_codes"
    id: Mapped[str] = mapped_column(sa.String(8), primary_key=True)
    secret_hash: Mapped[str]
    room_id: Mapped[str] = mapped_column(sa.ForeignKey("rooms.id"))
    expires_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(default=0)
    used_at: Mapped[datetime | None]


class DeviceRow(Base):
    """A registered identity; the kiosk is the program that runs on it."""

    __tablename__ = "devices"
    id: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    site: Mapped[str] = mapped_column(sa.String(32))
    room_id: Mapped[str] = mapped_column(sa.ForeignKey("rooms.id"))
    name: Mapped[str]
    direction: Mapped[str] = mapped_column(default="auto")
    faces: Mapped[bool] = mapped_column(default=False)
    share_faces: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    """Whether it may send faces to other kiosks of the site, and take theirs; nothing without `faces`."""
    signing_key: Mapped[str]
    sealing_key: Mapped[str]
    fingerprint: Mapped[str]
    broker_hash: Mapped[str | None]
    """The broker password as mosquitto writes it; the embedded broker reads the same."""
    registered_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    seen_at: Mapped[datetime | None]
    state: Mapped[dict[str, Any] | None]
    """The last heartbeat."""


class StreamRow(Base):
    """A gap-free series of records of one device, from one imaging to the next."""

    __tablename__ = "streams"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    device_id: Mapped[str] = mapped_column(sa.ForeignKey("devices.id"), index=True)
    upto: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    """Every record up to this one is held."""
    receipts: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    """The number of the last receipt."""
    assigned: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    """The highest number that its kiosk says it has given out."""
    missing_since: Mapped[datetime | None]
    """Since when the number after `upto` is known to be missing; None while none is."""


class BootRow(Base):
    """When a boot of a kiosk began, as it says once its clock is synced; the times of its records follow from that."""

    __tablename__ = "boots"
    stream: Mapped[UUID] = mapped_column(sa.ForeignKey("streams.id"), primary_key=True)
    boot: Mapped[UUID] = mapped_column(primary_key=True)
    began_at: Mapped[datetime]
    said_at: Mapped[datetime]
    """The time of the heartbeat that said so; an older one changes nothing."""
    heard_at: Mapped[datetime]
    """When that heartbeat came."""


class WriteOffRow(Base):
    """Numbers of a stream that somebody has given up waiting for; what of them was held stays held."""

    __tablename__ = "write_offs"
    id: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    stream: Mapped[UUID] = mapped_column(sa.ForeignKey("streams.id"), index=True)
    first: Mapped[int] = mapped_column(sa.BigInteger)
    last: Mapped[int] = mapped_column(sa.BigInteger)
    reason: Mapped[str]
    written_off_by: Mapped[str] = mapped_column(sa.String(64))
    written_off_at: Mapped[datetime]


# Facts


class CheckInRow(Base):
    """What happened, with its verdict; refused check-ins and unknown sessions are entered too."""

    __tablename__ = "check_ins"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    stream: Mapped[UUID | None]
    seq: Mapped[int | None] = mapped_column(sa.BigInteger)
    device_id: Mapped[str | None] = mapped_column(sa.String(32))
    person_id: Mapped[str | None] = mapped_column(sa.String(32))
    session_id: Mapped[str | None] = mapped_column(sa.String(32), index=True)
    room_id: Mapped[str | None] = mapped_column(sa.String(32))
    badge: Mapped[str | None] = mapped_column(sa.String(32))
    direction: Mapped[str | None]
    method: Mapped[str]
    at: Mapped[datetime] = mapped_column(index=True)
    received_at: Mapped[datetime]
    verdict: Mapped[str]
    """`admitted`, or the code of the reason for which it was refused."""
    flags: Mapped[list[str]]
    digest: Mapped[bytes]
    """SHA-256 of `line`: a second arrival with other bytes is a security event."""
    line: Mapped[bytes]
    """The record as it was signed."""
    boot: Mapped[UUID | None]
    """The boot of a record whose clock was not synced, which may correct its time; None where it needs none."""

    __table_args__ = (
        sa.UniqueConstraint("stream", "seq"),
        sa.Index(None, "person_id", "session_id"),
        # Few clocks are not synced, so the index is small.
        sa.Index(
            None,
            "stream",
            "boot",
            sqlite_where=sa.text("boot IS NOT NULL"),
            postgresql_where=sa.text("boot IS NOT NULL"),
        ),
    )


class DecisionRow(Base):
    """What a trainer decided about a learner's session: a check-in was missing or wrong, or nothing counts."""

    __tablename__ = "decisions"
    id: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    session_id: Mapped[str] = mapped_column(sa.String(32))
    person_id: Mapped[str] = mapped_column(sa.String(32))
    kind: Mapped[str]
    """`add_in`, `add_out` (at an instant), `present` (whatever was missed), `void` (a check-in) or `nothing`."""
    at: Mapped[datetime | None]
    check_in_id: Mapped[UUID | None]
    reason: Mapped[str]
    decided_by: Mapped[str] = mapped_column(sa.String(32))
    decided_at: Mapped[datetime]

    __table_args__ = (sa.Index(None, "person_id", "session_id"),)


class TicketRow(Base):
    """A browser's right to check in to one session, traded for a code that has rotated away since."""

    __tablename__ = "tickets"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    """Becomes the id of the check-in, so that a ticket checks in once."""
    browser_hash: Mapped[str] = mapped_column(sa.String(64), index=True)
    address_hash: Mapped[str] = mapped_column(sa.String(64), index=True)
    session_id: Mapped[str] = mapped_column(sa.String(32), index=True)
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    person_id: Mapped[str | None] = mapped_column(sa.String(32))
    """Who signed in with it."""
    used_at: Mapped[datetime | None]


class DeadLetterRow(Base):
    """What could not be processed, as it came."""

    __tablename__ = "dead_letters"
    id: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    received_at: Mapped[datetime]
    device_id: Mapped[str | None] = mapped_column(sa.String(32), index=True)
    topic: Mapped[str]
    reason: Mapped[str]
    stream: Mapped[UUID | None]
    seq: Mapped[int | None] = mapped_column(sa.BigInteger)
    data: Mapped[bytes]
    """Empty when it was discarded, or when its sender had filled its share."""
    discarded_at: Mapped[datetime | None]
    """It is kept all the same if it has a number: without it there would be a hole."""

    __table_args__ = (sa.Index(None, "stream", "seq"),)


class DirtyDayRow(Base):
    """A learner's local day that has to be settled again, not before `due_at`."""

    __tablename__ = "dirty_days"
    person_id: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    due_at: Mapped[datetime]

    __table_args__ = (sa.Index(None, "due_at", "person_id", "day"),)


# Hours


class HourRecordRow(Base):
    """One line of the ledger; triggers refuse UPDATE and DELETE."""

    __tablename__ = "hour_records"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    settles: Mapped[UUID]
    """Derived from the source and the person: the same for every version of one answer."""
    version: Mapped[int]
    kind: Mapped[str]
    """`credit`, `bonus`, or `reversal` of an earlier record."""
    reverses: Mapped[UUID | None] = mapped_column(sa.ForeignKey("hour_records.id"), unique=True)
    person_id: Mapped[str] = mapped_column(sa.String(32))
    region_id: Mapped[str] = mapped_column(sa.String(32))
    source_id: Mapped[str] = mapped_column(sa.String(32))
    effective_date: Mapped[date]
    booked_in: Mapped[str | None] = mapped_column(sa.String(7))
    """The month that was open (YYYY-MM), when the effective date's own was closed already; None: its own."""
    minutes: Mapped[int]
    credit: Mapped[Decimal]
    unit: Mapped[str]
    rule: Mapped[str]
    explanation: Mapped[dict[str, Any]]
    course: Mapped[dict[str, Any]]
    """What an archive needs: titles, times, place, the trainer's opaque id."""
    entered_at: Mapped[datetime]

    __table_args__ = (
        sa.UniqueConstraint("settles", "version"),
        sa.Index(None, "person_id", "effective_date"),
        sa.Index(None, "effective_date", "region_id"),
        sa.Index(None, "source_id", "person_id"),
        # Few records are moved to another month, so their index is small.
        sa.Index(
            None,
            "booked_in",
            sqlite_where=sa.text("booked_in IS NOT NULL"),
            postgresql_where=sa.text("booked_in IS NOT NULL"),
        ),
    )


class UnnumberedRow(Base):
    """An hour record that has no number in the feed yet; a trigger queues it."""

    __tablename__ = "unnumbered"
    place: Mapped[int] = mapped_column(
        sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    """A reversal was entered before the record that takes its place, and is read first."""
    hour_record_id: Mapped[UUID]


class ReviewRow(Base):
    """A session of one learner for which somebody has to decide; 0 until then."""

    __tablename__ = "reviews"
    session_id: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    person_id: Mapped[str] = mapped_column(sa.String(32), primary_key=True, index=True)
    region_id: Mapped[str] = mapped_column(sa.String(32))
    reasons: Mapped[list[str]]
    explanation: Mapped[dict[str, Any]]
    opened_at: Mapped[datetime]


class FeedRow(Base):
    """The order in which HR reads; written by one leader for committed records."""

    __tablename__ = "feed"
    seq: Mapped[int] = mapped_column(sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True)
    hour_record_id: Mapped[UUID] = mapped_column(sa.ForeignKey("hour_records.id"), unique=True)
    hash: Mapped[str | None] = mapped_column(sa.String(64))
    """Over the record and the hash before (ledger.chain); None for what was numbered before there were hashes."""


class EpochRow(Base):
    """The life of this database: changes when it is restored from a backup."""

    __tablename__ = "epochs"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    began_at: Mapped[datetime] = mapped_column(unique=True)
