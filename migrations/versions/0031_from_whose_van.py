"""Parts of a visit by the van that they came from"""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("visit_report", sa.Column("vans", sa.JSON(), server_default="{}", nullable=False))


def downgrade() -> None:
    op.drop_column("visit_report", "vans")
