"""The link under which a remote visit takes place"""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("service", sa.Column("call_link", sa.String(length=300), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("service", "call_link")
