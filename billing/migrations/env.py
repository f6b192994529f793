"""Run the migrations on the connection `billing.schema` hands in."""

from alembic import context

from billing.schema import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    transactional_ddl=True,
)
context.run_migrations()
