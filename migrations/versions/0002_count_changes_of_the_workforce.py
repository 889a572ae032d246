"""Count the changes of each territory's workforce"""

import sqlalchemy as sa
from alembic import op

from fieldservice.migrate import create_workforce_triggers, drop_workforce_triggers

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # no batch operation: it would copy the table on SQLite
    op.add_column(
        "territory", sa.Column("workforce_version", sa.Integer(), nullable=False, server_default="0")
    )
    create_workforce_triggers(op.get_bind())


def downgrade() -> None:
    drop_workforce_triggers(op.get_bind())
    op.drop_column("territory", "workforce_version")
