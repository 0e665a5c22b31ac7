"""Mail.ru Group's sandbox: Pandao and myTarget on one port, over the books that `furnish` wrote."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette

from connectors.mailru.sandbox.books import FILE, furnish
from connectors.mailru.sandbox.mytarget import MyTarget
from connectors.mailru.sandbox.pandao import Pandao

__all__ = ["furnish", "sandbox"]


def sandbox(folder: Path, settings: Mapping[str, str]) -> Starlette:
    """The sandbox over `<folder>/mailru.db`.

    Needs `access_token` (Pandao), `client_id` and `client_secret` (myTarget); `rps` is how many calls a
    second myTarget allows, 50 by default. Raises sqlite3.OperationalError where the books are missing.
    """
    books = sqlite3.connect(f"file:{folder / FILE}?mode=ro", uri=True, check_same_thread=False)

    @asynccontextmanager
    async def closing(app: Starlette) -> AsyncIterator[None]:
        yield
        books.close()

    mytarget = MyTarget(books, settings)
    app = Starlette(routes=[*Pandao(books, settings).routes(), *mytarget.routes()], lifespan=closing)
    app.state.tokens = mytarget.tokens
    app.state.advertising = mytarget.advertising
    app.state.user_lists = mytarget.user_lists
    return app
