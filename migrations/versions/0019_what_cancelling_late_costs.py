"""What cancelling late costs: the words of a service, and those that a visit was promised with"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("service", sa.Column("late_fee", sa.String(length=200), nullable=False, server_default=""))
    op.add_column("visit", sa.Column("late_fee", sa.String(length=200), nullable=False, server_default=""))
    op.add_column("visit", sa.Column("free_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column("visit", sa.Column("fee_due", sa.String(length=200), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("visit", "fee_due")
    op.drop_column("visit", "free_until")
    op.drop_column("visit", "late_fee")
    op.drop_column("service", "late_fee")
