"""Alembic's environment: runs the migrations on the database that `gateway.store.database` names."""

from alembic import context
from sqlalchemy import create_engine

from gateway.store.tables import metadata

# Python's driver begins no transaction for DDL; here all migrations are one, begun by hand: killed midway they leave
# nothing, and of two processes that start at once the second waits and then finds nothing to do.
engine = create_engine(
    context.config.get_main_option("sqlalchemy.url") or "",
    connect_args={"timeout": 30, "isolation_level": None},
)
with engine.connect() as connection:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
    context.configure(
        connection=connection, target_metadata=metadata, render_as_batch=True, transactional_ddl=True
    )
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
engine.dispose()
