"""The database as those see it who write: migrations, syncs, the token service, the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

import connectors


def writer(path: Path) -> AsyncEngine:
    """An engine on the SQLite file: WAL, full synchronisation, foreign keys on. The caller disposes of it."""
    engine = create_async_engine(f"sqlite+aiosqlite:///{path}", connect_args={"timeout": 30})

    @event.listens_for(engine.sync_engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return engine


def migrate(path: Path) -> None:
    """Bring the database to the newest form; makes it, readable by its owner only, where there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.touch(mode=0o600)
    command.upgrade(migrations(path), "heads")


def migrations(path: Path) -> Config:
    """Alembic's settings: the gateway's migrations, and those of each connector in its own folder."""
    here = Path(__file__).parent / "migrations"
    folders = [here / "versions"]
    for root in connectors.__path__:
        folders += sorted(Path(root).glob("*/migrations"))
    config = Config()
    config.set_main_option("script_location", str(here))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", "\n".join(map(str, folders)))
    config.set_main_option("sqlalchemy.url", f"sqlite:///{path}")
    return config
