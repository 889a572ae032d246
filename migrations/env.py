"""Alembic's entry: runs the migrations on the connection that `fieldservice.migrate` hands over."""

from alembic import context

from fieldservice.migrate import render_column_type
from fieldservice.models import Base

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    render_item=render_column_type,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
