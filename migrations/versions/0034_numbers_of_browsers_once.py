"""Numbers of browsers that are never given again"""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

# The highest number that is, or was, in use: messages may still name a browser that is gone.
_LAST = """
INSERT INTO sqlite_sequence (name, seq)
SELECT 'push_device', max(number) FROM (
  SELECT id AS number FROM push_device
  UNION ALL SELECT CAST(recipient AS INTEGER) FROM outbox_message WHERE channel = 'push'
  UNION ALL SELECT 0)"""


def upgrade() -> None:
    _rebuild(sqlite_autoincrement=True)


def downgrade() -> None:
    _rebuild(sqlite_autoincrement=False)


def _rebuild(*, sqlite_autoincrement: bool) -> None:
    """PostgreSQL never gave a number twice."""
    if op.get_bind().dialect.name != "sqlite":
        return
    how = {"sqlite_autoincrement": sqlite_autoincrement}
    with op.batch_alter_table("push_device", recreate="always", table_kwargs=how):
        pass
    if sqlite_autoincrement:
        op.execute("DELETE FROM sqlite_sequence WHERE name = 'push_device'")
        op.execute(sa.text(_LAST))
