"""Two proposals of one search, to be compared, and what each of them cares for"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("proposal", sa.Column("goal", sa.String(12), server_default="balanced", nullable=False))
    op.add_column("proposal", sa.Column("decisions", sa.Integer(), server_default="0", nullable=False))
    # proposals have no triggers that a copy on SQLite would lose
    with op.batch_alter_table("proposal") as batch:
        batch.alter_column("goal", server_default=None)
        batch.alter_column("decisions", server_default=None)
        batch.drop_constraint("uq_proposal_job_id", type_="unique")
        batch.create_unique_constraint("uq_proposal_job_id_goal", ["job_id", "goal"])


def downgrade() -> None:
    op.execute("UPDATE proposal SET job_id = NULL WHERE goal <> 'balanced'")
    with op.batch_alter_table("proposal") as batch:
        batch.drop_constraint("uq_proposal_job_id_goal", type_="unique")
        batch.create_unique_constraint("uq_proposal_job_id", ["job_id"])
        batch.drop_column("decisions")
        batch.drop_column("goal")
