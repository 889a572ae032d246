"""Photos and documents of customers and technicians; questions that are answered with a photo"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_KINDS = "kind IN ('chips', 'choice', 'yesno', 'number', 'text')"
_WITH_PHOTO = "kind IN ('chips', 'choice', 'yesno', 'number', 'text', 'photo')"


def upgrade() -> None:
    op.create_table(
        "attachment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("small_key", sa.String(length=32), nullable=True),
        sa.Column("draft_token", sa.String(length=64), nullable=True),
        sa.Column("visit_id", sa.Integer(), nullable=True),
        sa.Column("question", sa.String(length=60), nullable=False),
        sa.Column("caption", sa.String(length=200), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("media_type", sa.String(length=40), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("sent_sha256", sa.String(length=64), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("scan_state", sa.String(length=10), nullable=False),
        sa.Column("scan_after", sa.DateTime(timezone=True), nullable=True),
        sa.Column("scan_attempts", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "(draft_token IS NULL) != (visit_id IS NULL)", name=op.f("ck_attachment_one_owner")
        ),
        sa.CheckConstraint(
            "scan_state IN ('off', 'waiting', 'clean', 'infected', 'failed')",
            name=op.f("ck_attachment_scan_state"),
        ),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_attachment_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachment")),
        sa.UniqueConstraint("key", name=op.f("uq_attachment_key")),
        sa.UniqueConstraint("small_key", name=op.f("uq_attachment_small_key")),
    )
    op.create_index("ix_attachment_draft_token", "attachment", ["draft_token"])
    op.create_index("ix_attachment_visit_id", "attachment", ["visit_id"])
    op.create_index("ix_attachment_scan_state_scan_after", "attachment", ["scan_state", "scan_after"])
    _replace_check(_KINDS, _WITH_PHOTO)


def downgrade() -> None:
    # their effects are none, and nothing else names them
    op.execute("DELETE FROM intake_question WHERE kind = 'photo'")
    _replace_check(_WITH_PHOTO, _KINDS)
    op.drop_table("attachment")


def _replace_check(old: str, new: str) -> None:
    """Allow other kinds of questions.

    SQLite cannot alter a check, and a copy of the table cannot take its place while options and effects refer
    to it. SQLite's documentation has this way for a change that leaves every stored row as it is.
    """
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        op.drop_constraint(op.f("ck_intake_question_kind"), "intake_question", type_="check")
        op.create_check_constraint(op.f("ck_intake_question_kind"), "intake_question", new)
        return
    version = connection.exec_driver_sql("PRAGMA schema_version").scalar_one()
    connection.exec_driver_sql("PRAGMA writable_schema=ON")
    changed = connection.exec_driver_sql(
        "UPDATE sqlite_schema SET sql = replace(sql, ?, ?) WHERE type = 'table' AND name = 'intake_question'",
        (old, new),
    )
    assert changed.rowcount == 1
    connection.exec_driver_sql(f"PRAGMA schema_version={version + 1}")
    connection.exec_driver_sql("PRAGMA writable_schema=OFF")
