"""Run by alembic: applies the migrations on the connection that `upgrade` hands over."""

from alembic import context

from agent_lab.storage.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    transactional_ddl=True,  # SQLite can, where the driver leaves transactions alone; a step is whole or not at all
)
with context.begin_transaction():
    context.run_migrations()
