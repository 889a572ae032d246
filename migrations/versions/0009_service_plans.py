"""Service plans and the times at which their visits are due"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "service_plan",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("work_order_id", sa.Integer(), nullable=False),
        sa.Column("territory_id", sa.Integer(), nullable=False),
        sa.Column("every", sa.Integer(), nullable=False),
        sa.Column("unit", sa.String(length=8), nullable=False),
        sa.Column("anchor_on", sa.Date(), nullable=False),
        sa.Column("season_from", sa.Integer(), nullable=True),
        sa.Column("season_to", sa.Integer(), nullable=True),
        sa.Column("skip_holidays", sa.Boolean(), nullable=False),
        sa.Column("period_days", sa.Integer(), nullable=False),
        sa.Column("lead_days", sa.Integer(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("term_months", sa.Integer(), nullable=True),
        sa.Column("terms", sa.Integer(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("renewal", sa.String(length=10), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("preferred_weekdays", sa.String(length=7), nullable=False),
        sa.Column("preferred_part", sa.String(length=10), nullable=False),
        sa.Column("preferred_technician_id", sa.Integer(), nullable=True),
        sa.Column("made_until", sa.Date(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("end_reason", sa.String(length=300), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "every > 0 AND period_days > 0 AND lead_days >= 0 AND terms > 0",
            name=op.f("ck_service_plan_numbers"),
        ),
        sa.CheckConstraint("unit IN ('weeks', 'months', 'years')", name=op.f("ck_service_plan_unit")),
        sa.CheckConstraint(
            "renewal IN ('automatic', 'ask', 'none')", name=op.f("ck_service_plan_renewal")
        ),
        sa.CheckConstraint(
            "(season_from IS NULL) = (season_to IS NULL)", name=op.f("ck_service_plan_season")
        ),
        sa.CheckConstraint("(term_months IS NULL) = (ends_on IS NULL)", name=op.f("ck_service_plan_term")),
        sa.ForeignKeyConstraint(
            ["preferred_technician_id"],
            ["technician.id"],
            name=op.f("fk_service_plan_preferred_technician_id"),
        ),
        sa.ForeignKeyConstraint(["territory_id"], ["territory.id"], name=op.f("fk_service_plan_territory_id")),
        sa.ForeignKeyConstraint(
            ["work_order_id"], ["work_order.id"], name=op.f("fk_service_plan_work_order_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_plan")),
        sa.UniqueConstraint("work_order_id", name=op.f("uq_service_plan_work_order_id")),
    )
    op.create_index("ix_service_plan_ended_at_made_until", "service_plan", ["ended_at", "made_until"])
    op.create_table(
        "occurrence",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("plan_id", sa.Integer(), nullable=False),
        sa.Column("ruled_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("closes_on", sa.Date(), nullable=False),
        sa.Column("invite_on", sa.Date(), nullable=False),
        sa.Column("visit_id", sa.Integer(), nullable=True),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("invited_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reminded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("skipped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("skip_reason", sa.String(length=300), nullable=False),
        sa.Column("missed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "due_on <= closes_on AND invite_on <= due_on", name=op.f("ck_occurrence_period")
        ),
        sa.ForeignKeyConstraint(["plan_id"], ["service_plan.id"], name=op.f("fk_occurrence_plan_id")),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_occurrence_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_occurrence")),
        sa.UniqueConstraint("plan_id", "ruled_on", name=op.f("uq_occurrence_plan_id_ruled_on")),
        sa.UniqueConstraint("visit_id", name=op.f("uq_occurrence_visit_id")),
    )
    op.create_index("ix_occurrence_invite_on_closes_on", "occurrence", ["invite_on", "closes_on"])


def downgrade() -> None:
    op.drop_table("occurrence")
    op.drop_table("service_plan")
