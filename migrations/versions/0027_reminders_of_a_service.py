"""When a service reminds its customers, and how late somebody has to be for them to be told"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    reminders = sa.Column("reminders", sa.JSON(), server_default='["24h", "2h"]', nullable=False)
    op.add_column("service", reminders)
    op.add_column("service", sa.Column("late_after", sa.Integer(), server_default="600", nullable=False))


def downgrade() -> None:
    op.drop_column("service", "late_after")
    op.drop_column("service", "reminders")
