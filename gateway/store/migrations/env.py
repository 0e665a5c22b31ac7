"""Alembic's environment: runs the migrations on the database that `gateway.store.database` names."""

import time
from contextlib import suppress

from alembic import context
from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import OperationalError

from gateway.store import database
from gateway.store.tables import metadata


def log_ahead(connection: Connection) -> None:
    """Have the file written through a log (WAL). SQLite refuses that at once, without waiting, while others read."""
    end = time.monotonic() + database.UPGRADE_PATIENCE
    while time.monotonic() < end:
        with suppress(OperationalError), connection.begin():
            connection.exec_driver_sql("PRAGMA journal_mode = WAL")
            return
        time.sleep(0.02)


# Python's driver begins no transaction for DDL; here all migrations are one, begun by hand: killed midway they leave
# nothing, and of two processes that start at once the second waits and then finds nothing to do.
engine = create_engine(
    context.config.get_main_option("sqlalchemy.url") or "",
    connect_args={"timeout": database.UPGRADE_PATIENCE, "isolation_level": None},
)
with engine.connect() as connection:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
    context.configure(
        connection=connection, target_metadata=metadata, render_as_batch=True, transactional_ddl=True
    )
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
    log_ahead(connection)
engine.dispose()
