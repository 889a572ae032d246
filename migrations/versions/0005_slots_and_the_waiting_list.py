"""Working days, a limit a day, and the waiting list"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # no batch operation: it would copy the tables on SQLite, without their triggers
    for table in ("territory", "service"):
        op.add_column(
            table, sa.Column("working_days", sa.String(length=7), nullable=False, server_default="0123456")
        )
    op.add_column("service", sa.Column("max_per_day", sa.Integer(), nullable=True))
    op.create_table(
        "waiting_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("visit_id", sa.Integer(), nullable=False),
        sa.Column("any_time", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("seen", sa.JSON(), nullable=False),
        sa.Column("looked", sa.String(length=64), nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_waiting_entry_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_waiting_entry")),
        sa.UniqueConstraint("visit_id", name=op.f("uq_waiting_entry_visit_id")),
    )
    op.create_index("ix_waiting_entry_state_joined_at", "waiting_entry", ["state", "joined_at"])
    op.create_table(
        "waiting_offer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("window_starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("window_ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("window_starts_at < window_ends_at", name=op.f("ck_waiting_offer_window")),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["waiting_entry.id"], name=op.f("fk_waiting_offer_entry_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_waiting_offer")),
        sa.UniqueConstraint(
            "entry_id", "window_starts_at", name=op.f("uq_waiting_offer_entry_id_window_starts_at")
        ),
    )
    op.create_index("ix_waiting_offer_state_expires_at", "waiting_offer", ["state", "expires_at"])
    op.create_table(
        "area_wish",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("service_id", sa.Integer(), nullable=False),
        sa.Column("city", sa.String(length=120), nullable=False),
        sa.Column("postcode", sa.String(length=20), nullable=False),
        sa.Column("lat", sa.Double(), nullable=True),
        sa.Column("lon", sa.Double(), nullable=True),
        sa.Column("locale", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["service_id"], ["service.id"], name=op.f("fk_area_wish_service_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_area_wish")),
        sa.UniqueConstraint(
            "email",
            "service_id",
            "city",
            "postcode",
            name=op.f("uq_area_wish_email_service_id_city_postcode"),
        ),
    )


def downgrade() -> None:
    for table in ("area_wish", "waiting_offer", "waiting_entry"):
        op.drop_table(table)
    op.drop_column("service", "max_per_day")
    for table in ("service", "territory"):
        op.drop_column(table, "working_days")
