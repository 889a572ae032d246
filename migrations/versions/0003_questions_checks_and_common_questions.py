"""Intake questions with effects, first checks and common questions as rows; what answers make of a visit"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_SERVICE = sa.table("service", sa.column("id", sa.Integer), sa.column("intake_questions", sa.JSON))
_ORDER = sa.table(
    "work_order",
    sa.column("id", sa.Integer),
    sa.column("service_id", sa.Integer),
    sa.column("answers", sa.JSON),
    sa.column("said", sa.JSON),
)
_QUESTION = sa.table(
    "intake_question",
    *(sa.column(name) for name in ("id", "service_id", "code", "kind", "label", "hint", "unit")),
    *(sa.column(name) for name in ("required", "position")),
)
_OPTION = sa.table(
    "intake_option", *(sa.column(name) for name in ("question_id", "code", "label", "position"))
)


def upgrade() -> None:
    _create_tables()
    # no batch operation: it would copy the tables on SQLite
    op.add_column("visit", sa.Column("skills", sa.JSON(), nullable=False, server_default="{}"))
    op.add_column("visit", sa.Column("parts", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("work_order", sa.Column("said", sa.JSON(), nullable=False, server_default="[]"))
    _turn_into_rows(op.get_bind())
    op.drop_column("service", "intake_questions")


def downgrade() -> None:
    op.add_column("service", sa.Column("intake_questions", sa.JSON(), nullable=False, server_default="[]"))
    _turn_back(op.get_bind())
    op.drop_column("work_order", "said")
    op.drop_column("visit", "parts")
    op.drop_column("visit", "skills")
    for table in (
        "faq_entry",
        "troubleshooting_result",
        "troubleshooting_step",
        "intake_effect",
        "intake_option",
        "intake_question",
    ):
        op.drop_table(table)


def _turn_into_rows(bind: sa.Connection) -> None:
    """The questions that services had, and the answers of visits in the words of their questions."""
    asked: dict[int, list[dict[str, Any]]] = {}
    for service_id, questions in bind.execute(sa.select(_SERVICE.c.id, _SERVICE.c.intake_questions)).all():
        asked[service_id] = questions or []
        for position, question in enumerate(asked[service_id]):
            _insert_question(bind, service_id, position, question)
    orders = bind.execute(sa.select(_ORDER.c.id, _ORDER.c.service_id, _ORDER.c.answers)).all()
    for order_id, service_id, answers in orders:
        said = [
            {
                "code": question["id"],
                "question": question["label"],
                "kind": question["kind"],
                "answer": (answers or {})[question["id"]],
                "unit": "",
            }
            for question in asked.get(service_id, [])
            if (answers or {}).get(question["id"])
        ]
        if said:
            bind.execute(sa.update(_ORDER).where(_ORDER.c.id == order_id).values(said=said))


def _insert_question(bind: sa.Connection, service_id: int, position: int, question: dict[str, Any]) -> None:
    bind.execute(
        sa.insert(_QUESTION).values(
            service_id=service_id,
            code=question["id"],
            kind=question["kind"],
            label=question["label"],
            hint="",
            unit="",
            required=False,
            position=position,
        )
    )
    question_id = bind.scalar(
        sa.select(_QUESTION.c.id).where(
            _QUESTION.c.service_id == service_id, _QUESTION.c.code == question["id"]
        )
    )
    for number, option in enumerate(question.get("options", ())):
        values = {"question_id": question_id, "code": option, "label": option, "position": number}
        bind.execute(sa.insert(_OPTION).values(**values))


def _turn_back(bind: sa.Connection) -> None:
    """The questions without what was not there before: numbers, hints and effects."""
    found = bind.execute(sa.select(_QUESTION).order_by(_QUESTION.c.position, _QUESTION.c.id)).mappings().all()
    asked: dict[int, list[dict[str, Any]]] = {}
    for question in found:
        kind = "text" if question["kind"] == "number" else question["kind"]
        before: dict[str, Any] = {"id": question["code"], "kind": kind, "label": question["label"]}
        options = bind.scalars(
            sa.select(_OPTION.c.code)
            .where(_OPTION.c.question_id == question["id"])
            .order_by(_OPTION.c.position)
        ).all()
        if options:
            before["options"] = list(options)
        asked.setdefault(question["service_id"], []).append(before)
    for service_id, questions in asked.items():
        change = sa.update(_SERVICE).where(_SERVICE.c.id == service_id)
        bind.execute(change.values(intake_questions=questions))


def _create_tables() -> None:
    op.create_table(
        "intake_question",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("service_id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("label", sa.String(length=200), nullable=False),
        sa.Column("hint", sa.String(length=200), nullable=False),
        sa.Column("unit", sa.String(length=20), nullable=False),
        sa.Column("least", sa.Integer(), nullable=True),
        sa.Column("most", sa.Integer(), nullable=True),
        sa.Column("required", sa.Boolean(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('chips', 'choice', 'yesno', 'number', 'text')", name=op.f("ck_intake_question_kind")
        ),
        sa.CheckConstraint(
            "least IS NULL OR most IS NULL OR least <= most", name=op.f("ck_intake_question_bounds")
        ),
        sa.ForeignKeyConstraint(["service_id"], ["service.id"], name=op.f("fk_intake_question_service_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_intake_question")),
        sa.UniqueConstraint("service_id", "code", name=op.f("uq_intake_question_service_id_code")),
    )
    op.create_table(
        "intake_option",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("question_id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=80), nullable=False),
        sa.Column("label", sa.String(length=120), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["question_id"], ["intake_question.id"], name=op.f("fk_intake_option_question_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_intake_option")),
        sa.UniqueConstraint("question_id", "code", name=op.f("uq_intake_option_question_id_code")),
    )
    op.create_table(
        "intake_effect",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("question_id", sa.Integer(), nullable=False),
        sa.Column("answer", sa.String(length=80), nullable=True),
        sa.Column("low", sa.Integer(), nullable=True),
        sa.Column("high", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("skill_id", sa.Integer(), nullable=True),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('skill', 'duration', 'more_time', 'part', 'priority', 'call_us')",
            name=op.f("ck_intake_effect_kind"),
        ),
        sa.CheckConstraint(
            "answer IS NULL OR (low IS NULL AND high IS NULL)", name=op.f("ck_intake_effect_one_answer")
        ),
        sa.CheckConstraint("low IS NULL OR high IS NULL OR low <= high", name=op.f("ck_intake_effect_range")),
        sa.CheckConstraint("(kind = 'skill') = (skill_id IS NOT NULL)", name=op.f("ck_intake_effect_skill")),
        sa.CheckConstraint("kind != 'skill' OR amount BETWEEN 1 AND 9", name=op.f("ck_intake_effect_level")),
        sa.CheckConstraint("kind != 'duration' OR amount > 0", name=op.f("ck_intake_effect_duration")),
        sa.CheckConstraint("kind != 'priority' OR amount > 0", name=op.f("ck_intake_effect_priority")),
        sa.CheckConstraint("kind != 'part' OR words != ''", name=op.f("ck_intake_effect_part")),
        sa.ForeignKeyConstraint(
            ["question_id"], ["intake_question.id"], name=op.f("fk_intake_effect_question_id")
        ),
        sa.ForeignKeyConstraint(["skill_id"], ["skill.id"], name=op.f("fk_intake_effect_skill_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_intake_effect")),
    )
    op.create_index("ix_intake_effect_question_id", "intake_effect", ["question_id"], unique=False)
    op.create_table(
        "troubleshooting_step",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("service_id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("question", sa.String(length=200), nullable=False),
        sa.Column("on_yes", sa.String(length=40), nullable=False),
        sa.Column("on_no", sa.String(length=40), nullable=False),
        sa.Column("advice", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["service_id"], ["service.id"], name=op.f("fk_troubleshooting_step_service_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_troubleshooting_step")),
        sa.UniqueConstraint("service_id", "code", name=op.f("uq_troubleshooting_step_service_id_code")),
    )
    op.create_table(
        "troubleshooting_result",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("service_id", sa.Integer(), nullable=False),
        sa.Column("step", sa.String(length=40), nullable=False),
        sa.Column("ending", sa.String(length=10), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "ending IN ('solved', 'book', 'call_us')", name=op.f("ck_troubleshooting_result_ending")
        ),
        sa.ForeignKeyConstraint(
            ["service_id"], ["service.id"], name=op.f("fk_troubleshooting_result_service_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_troubleshooting_result")),
    )
    op.create_index(
        "ix_troubleshooting_result_service_id",
        "troubleshooting_result",
        ["service_id", "ended_at"],
        unique=False,
    )
    op.create_table(
        "faq_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("service_id", sa.Integer(), nullable=False),
        sa.Column("question", sa.String(length=300), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["service_id"], ["service.id"], name=op.f("fk_faq_entry_service_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_faq_entry")),
    )
    op.create_index("ix_faq_entry_service_id", "faq_entry", ["service_id"], unique=False)
