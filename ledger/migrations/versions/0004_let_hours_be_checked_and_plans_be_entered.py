"""Let hours be checked and plans be entered."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

APPEND_ONLY = ("rules", "audit_chain")
QUEUES = (("hour_records", "unnumbered", "hour_record_id"), ("audit", "unchained", "audit_id"))


def upgrade() -> None:
    """Add rules, imports, scores, presence checks and the audit's chain; queue what has no place in an order yet."""
    op.create_table(
        "due_moves",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("part_id", sa.String(length=32), nullable=False),
        sa.Column("before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("moved_by", sa.String(length=32), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["part_id"], ["parts.id"], name=op.f("fk_due_moves_part_id_parts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_due_moves")),
    )
    with op.batch_alter_table("due_moves", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_due_moves_part_id"), ["part_id"], unique=False)

    op.create_table(
        "imports",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("columns", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("wrong", sa.Integer(), nullable=False),
        sa.Column("errors", sa.JSON(), nullable=False),
        sa.Column("added", sa.Integer(), nullable=True),
        sa.Column("changed", sa.Integer(), nullable=True),
        sa.Column("made_by", sa.String(length=64), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imports")),
    )
    op.create_table(
        "rule_uses",
        sa.Column("region_id", sa.String(length=32), nullable=False),
        sa.Column("course_id", sa.String(length=32), nullable=False),
        sa.Column("effective_from", sa.Date(), nullable=False),
        sa.Column("rule", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("region_id", "course_id", "effective_from", name=op.f("pk_rule_uses")),
    )
    op.create_table(
        "rules",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("unit_minutes", sa.Integer(), nullable=True),
        sa.Column("step", sa.Numeric().with_variant(sa.String(32), "sqlite"), nullable=True),
        sa.Column("rounding", sa.String(), nullable=False),
        sa.Column("first_unit_whole", sa.Boolean(), nullable=False),
        sa.Column("min_presence_percent", sa.Numeric().with_variant(sa.String(32), "sqlite"), nullable=False),
        sa.Column("basis", sa.String(), nullable=False),
        sa.Column("tiers", sa.JSON(), nullable=False),
        sa.Column("daily_cap", sa.Numeric().with_variant(sa.String(32), "sqlite"), nullable=True),
        sa.Column("effective_from", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("name", "version", name=op.f("pk_rules")),
    )
    op.create_table(
        "staged_joint_tasks",
        sa.Column("import_id", sa.String(length=32), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("pair_id", sa.String(length=32), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("title_zh", sa.String(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("import_id", "place", name=op.f("pk_staged_joint_tasks")),
    )
    op.create_table(
        "staged_pairs",
        sa.Column("import_id", sa.String(length=32), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("program_id", sa.String(length=32), nullable=False),
        sa.Column("clerk_id", sa.String(length=32), nullable=False),
        sa.Column("manager_id", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("import_id", "place", name=op.f("pk_staged_pairs")),
    )
    op.create_table(
        "staged_parts",
        sa.Column("import_id", sa.String(length=32), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("task_id", sa.String(length=32), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("hours", sa.Numeric().with_variant(sa.String(32), "sqlite"), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("start_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("checkpoints", sa.JSON(), nullable=False),
        sa.Column("due", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("import_id", "place", name=op.f("pk_staged_parts")),
    )
    op.create_table(
        "staged_people",
        sa.Column("import_id", sa.String(length=32), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("region_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("phone", sa.String(), nullable=True),
        sa.Column("pin_hash", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("import_id", "place", name=op.f("pk_staged_people")),
    )
    op.create_table(
        "staged_progress",
        sa.Column("import_id", sa.String(length=32), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("program_id", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("percent", sa.Numeric().with_variant(sa.String(32), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("import_id", "place", name=op.f("pk_staged_progress")),
    )
    op.create_table(
        "staged_rosters",
        sa.Column("import_id", sa.String(length=32), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("session_id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("remove", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("import_id", "place", name=op.f("pk_staged_rosters")),
    )
    op.create_table(
        "staged_scores",
        sa.Column("import_id", sa.String(length=32), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("course_id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("points", sa.Numeric().with_variant(sa.String(32), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("import_id", "place", name=op.f("pk_staged_scores")),
    )
    op.create_table(
        "staged_sessions",
        sa.Column("import_id", sa.String(length=32), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("course_id", sa.String(length=32), nullable=False),
        sa.Column("region_id", sa.String(length=32), nullable=False),
        sa.Column("room_id", sa.String(length=32), nullable=True),
        sa.Column("trainer_id", sa.String(length=32), nullable=True),
        sa.Column("program_id", sa.String(length=32), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("zone", sa.String(), nullable=False),
        sa.Column("local_date", sa.Date(), nullable=False),
        sa.Column("breaks", sa.JSON(), nullable=False),
        sa.Column("methods", sa.JSON(), nullable=False),
        sa.Column("least_assurance", sa.String(), nullable=False),
        sa.Column("missing_out", sa.String(), nullable=False),
        sa.Column("cancelled", sa.Boolean(), nullable=False),
        sa.Column("series_id", sa.String(length=32), nullable=True),
        sa.Column("presence_checks", sa.Integer(), nullable=False),
        sa.Column("earlier", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("import_id", "place", name=op.f("pk_staged_sessions")),
    )
    op.create_table(
        "unchained",
        sa.Column("audit_id", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("audit_id", name=op.f("pk_unchained")),
    )
    op.create_table(
        "unnumbered",
        sa.Column("place", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("hour_record_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("place", name=op.f("pk_unnumbered")),
    )
    op.create_table(
        "audit_chain",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("audit_id", sa.String(length=32), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["audit_id"], ["audit.id"], name=op.f("fk_audit_chain_audit_id_audit")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_chain")),
        sa.UniqueConstraint("audit_id", name=op.f("uq_audit_chain_audit_id")),
    )
    op.create_table(
        "scores",
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("course_id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("points", sa.Numeric().with_variant(sa.String(32), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["course_id"], ["courses.id"], name=op.f("fk_scores_course_id_courses")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_scores_person_id_people")),
        sa.PrimaryKeyConstraint("person_id", "course_id", "kind", "at", name=op.f("pk_scores")),
    )
    op.create_table(
        "presence_checks",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("session_id", sa.String(length=32), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answer_until", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_presence_checks_session_id_sessions")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_presence_checks")),
    )
    with op.batch_alter_table("presence_checks", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_presence_checks_session_id"), ["session_id"], unique=False)

    op.create_table(
        "presence_answers",
        sa.Column("check_id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["check_id"], ["presence_checks.id"], name=op.f("fk_presence_answers_check_id_presence_checks")
        ),
        sa.PrimaryKeyConstraint("check_id", "person_id", name=op.f("pk_presence_answers")),
    )
    with op.batch_alter_table("accounts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("regions", sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True))

    with op.batch_alter_table("courses", schema=None) as batch_op:
        batch_op.add_column(sa.Column("pass_mark", sa.Numeric().with_variant(sa.String(32), "sqlite"), nullable=True))

    with op.batch_alter_table("feed", schema=None) as batch_op:
        batch_op.add_column(sa.Column("hash", sa.String(length=64), nullable=True))

    with op.batch_alter_table("hour_records", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_hour_records_settles"))
        batch_op.create_index(
            batch_op.f("ix_hour_records_effective_date_hour_records_region_id"),
            ["effective_date", "region_id"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_hour_records_source_id_hour_records_person_id"), ["source_id", "person_id"], unique=False
        )
        moved = sa.text("booked_in IS NOT NULL")
        batch_op.create_index(
            batch_op.f("ix_hour_records_booked_in"),
            ["booked_in"],
            unique=False,
            sqlite_where=moved,
            postgresql_where=moved,
        )

    with op.batch_alter_table("sessions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("series_id", sa.String(length=32), nullable=True))
        batch_op.add_column(sa.Column("presence_checks", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("earlier", sa.JSON(), server_default="[]", nullable=False))
        batch_op.create_index(batch_op.f("ix_sessions_local_date"), ["local_date"], unique=False)
        batch_op.create_index(batch_op.f("ix_sessions_series_id"), ["series_id"], unique=False)

    with op.batch_alter_table("dirty_days", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_dirty_days_due_at"))
        batch_op.create_index(
            batch_op.f("ix_dirty_days_due_at_dirty_days_person_id_dirty_days_day"),
            ["due_at", "person_id", "day"],
            unique=False,
        )

    with op.batch_alter_table("submissions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_submissions_state"), ["state"], unique=False)

    dialect = op.get_bind().dialect.name
    for table in APPEND_ONLY:
        for statement in _append_only(table, dialect):
            op.execute(statement)
    for table, queue, column in QUEUES:
        for statement in _queued(table, queue, column, dialect):
            op.execute(statement)
    op.execute(
        "INSERT INTO unnumbered (hour_record_id) SELECT hour_records.id FROM hour_records "
        "LEFT JOIN feed ON feed.hour_record_id = hour_records.id WHERE feed.seq IS NULL "
        "ORDER BY hour_records.entered_at, hour_records.settles, hour_records.version"
    )
    op.execute("INSERT INTO unchained (audit_id) SELECT id FROM audit")


def _append_only(table: str, dialect: str) -> list[str]:
    if dialect == "sqlite":
        return [
            f"CREATE TRIGGER {table}_no_{act.lower()} BEFORE {act} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            for act in ("UPDATE", "DELETE")
        ]
    return [
        f"CREATE FUNCTION {table}_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{table} is append-only'; END $$",
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_append_only()",
    ]


def _queued(table: str, queue: str, column: str, dialect: str) -> list[str]:
    """Let the database fill the queue: whoever enters a row, an older program too, cannot forget it."""
    into = f"INSERT INTO {queue} ({column})"
    if dialect == "sqlite":
        return [f"CREATE TRIGGER {table}_queued AFTER INSERT ON {table} BEGIN {into} VALUES (NEW.id); END"]
    return [
        f"CREATE FUNCTION {table}_queued() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN {into} SELECT id FROM entered; RETURN NULL; END $$",
        f"CREATE TRIGGER {table}_queued AFTER INSERT ON {table} REFERENCING NEW TABLE AS entered "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_queued()",
    ]
