"""Access: what one request reaches, and the only way for a batch function to reach it."""

from __future__ import annotations

import base64
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import orjson
from sqlalchemy import Table

from gateway.access.pseudonyms import Pseudonyms
from gateway.errors import FieldError
from gateway.oauth.tokens import Caller
from gateway.store.queries import Order, Query, Row, as_keys, count_by, page_by, rows_by
from gateway.upstream.upstream import Upstream

MAX_PAGE = 100
DEFAULT_PAGE = 20


class Page(NamedTuple):
    """Some rows of one parent, in order, and what surrounds them.

    `has_next_page` and `total_count` are None unless they were asked for.
    """

    rows: Sequence[Row]
    has_next_page: bool | None
    has_previous_page: bool
    total_count: int | None
    cursor: Callable[[Row], str]


class Reader(Protocol):
    """Reads the database as a caller may."""

    async def fetch(self, caller: Caller, query: Query, **values: Any) -> list[Row]:
        """The rows of a query that the caller may see."""


Explain = Callable[["Access", str, Mapping[str, Any], str | None], Awaitable[Any]]
"""Says what would become of an operation: its document, its variables and its name."""


class Partners(Protocol):
    """The partners of this gateway."""

    def get(self, name: str) -> Upstream | None:
        """The way to a partner by its connector's name, None where the operator named no address of it."""


class Activations(Protocol):
    """Audiences on their way to partners."""

    async def start(self, caller: Caller, connector: str, name: str, key: str, by: Any, wanted: Any) -> Row:
        """Take one on: what a connector's partner is to get. Raises `FieldError` where it cannot be sent."""

    async def find(self, caller: Caller, connector: str, activation: str) -> Row | None:
        """One that the caller's party took on."""

    def follow(self, caller: Caller, connector: str, activation: str) -> AsyncGenerator[Sequence[Row], None]:
        """The same, as it is now and whenever something of it changes, until nothing will."""


class Feed(Protocol):
    """Where a subscription learns that something changed; what it is, the caller's own connection tells."""

    def changes(self, party: str | None) -> AsyncGenerator[Sequence[str], None]:
        """The ids of orders that change from now on, of one party or of all. Close it when nobody listens."""


@dataclass(slots=True)
class Access:
    """One caller's reach during one batch call.

    `asked` names, per GraphQL type, the attributes selected anywhere below the field, so that SQL selects only
    the columns that the answer needs. `deadline` is when the answer is given with what is there, on the event loop's
    clock.
    """

    caller: Caller
    readers: Reader
    pseudonyms: Pseudonyms
    partners: Partners | None = None
    asked: Mapping[str, frozenset[str]] = field(default_factory=dict)
    explain: Explain | None = None
    feed: Feed | None = None
    deadline: float | None = None
    activations: Activations | None = None

    def columns(self, table: Table, type_name: str, *always: str) -> tuple[str, ...]:
        """The columns of `table` to select for a type: those asked for, and those that are needed in any case."""
        asked = self.asked.get(type_name, frozenset()).union(always)
        return tuple(name for name in table.c.keys() if name in asked)  # noqa: SIM118 - columns, not names, are iterated

    @property
    def activating(self) -> Activations:
        """Audiences on their way to partners. Raises `FieldError` where none are sent."""
        if self.activations is None:
            raise FieldError("No audiences are sent from here.", "PARTNER_UNAVAILABLE")
        return self.activations

    def partner(self, name: str) -> Upstream:
        """The way to a partner, for as long as this request may take. Raises `FieldError` where there is none."""
        found = self.partners.get(name) if self.partners is not None else None
        if found is None:
            message = f"This gateway has no address of the partner {name!r}: its operator sets it."
            raise FieldError(message, "PARTNER_UNAVAILABLE", partner={"name": name})
        return found.until(self.deadline)

    def changes(self, party: str | None) -> AsyncGenerator[Sequence[str], None]:
        """The ids of orders that change from now on, whoever may see them: fetch them, and give out what is found."""
        assert self.feed is not None, "subscriptions are run with a feed"
        return self.feed.changes(party)

    async def fetch(self, query: Query, **values: Any) -> list[Row]:
        """The rows of a query, as far as this caller may see them."""
        return await self.readers.fetch(self.caller, query, **values)

    async def rows(
        self, table: Table, by: str, keys: Sequence[Any], columns: tuple[str, ...], order: Order = ()
    ) -> list[list[Row]]:
        """For each key, the rows of `table` whose column `by` is that key: one SELECT for the level."""
        found = await self.fetch(rows_by(table, by, columns, order), keys=as_keys(keys))
        return grouped(found, keys)

    async def one(
        self, table: Table, by: str, keys: Sequence[Any], columns: tuple[str, ...]
    ) -> list[Row | None]:
        """For each key, the one row of `table` whose column `by` is that key, or None."""
        return [rows[0] if rows else None for rows in await self.rows(table, by, keys, columns)]

    async def pages(
        self,
        table: Table,
        by: str,
        keys: Sequence[Any],
        columns: tuple[str, ...],
        order: Order,
        *,
        first: int | None = None,
        after: str | None = None,
        where: tuple[str, ...] = (),
        count: bool = False,
        **values: Any,
    ) -> list[Page]:
        """For each key, the first rows in `order` after the cursor: one SELECT for the level, one more to count.

        `where` names columns that must equal the parameter of the same name in `values`.
        """
        size = page_size(first)
        # One more row would be there only to tell that there is more.
        look = "has_next_page" in self.asked.get("PageInfo", ())
        names = tuple(name for name, _ in order)
        packed = page_by(table, by, tuple(sorted({*columns, *names})), order, after is not None, where)
        places = position(after, len(order)) if after is not None else []
        past = {f"past_{place}": value for place, value in enumerate(places)}
        level = as_keys(keys)
        found = await self.fetch(packed.query, keys=level, limit=size + look, **past, **values)
        totals: dict[Any, int] = {}
        if count:
            totals = dict(await self.fetch(count_by(table, by, where), keys=level, **values))
        return [
            Page(
                rows[:size],
                len(rows) > size if look else None,
                after is not None and bool(rows),
                totals.get(key, 0) if count else None,
                lambda row: cursor([getattr(row, name) for name in names]),
            )
            for key, rows in ((key, packed.rows(text)) for key, text in found)
        ]


def grouped(rows: Sequence[Row], keys: Sequence[Any]) -> list[list[Row]]:
    """Rows whose first field is a key, as one list per key, in the order of the keys."""
    by_key: dict[Any, list[Row]] = {key: [] for key in keys}
    for row in rows:
        by_key[row[0]].append(row)
    return [by_key[key] for key in keys]


def page_size(first: int | None, name: str = "first") -> int:
    """How many rows a page has. Raises `FieldError` outside 0 to `MAX_PAGE`."""
    if first is None:
        return DEFAULT_PAGE
    if not 0 <= first <= MAX_PAGE:
        raise FieldError(f"`{name}` must be between 0 and {MAX_PAGE}.", "BAD_USER_INPUT", argument=name)
    return first


def cursor(values: Sequence[Any]) -> str:
    """The opaque position of a row: the values it is sorted by."""
    return base64.urlsafe_b64encode(orjson.dumps(values)).decode().rstrip("=")


def position(text: str, length: int) -> list[Any]:
    """The values in a cursor. Raises `FieldError` for a text that no cursor of this list can be."""
    try:
        values = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except ValueError:
        values = None
    if not isinstance(values, list) or len(values) != length or not all(map(_sortable, values)):
        raise FieldError("The cursor is not one this list gave out.", "BAD_USER_INPUT", argument="after")
    return values


def _sortable(value: Any) -> bool:
    # JSON has integers that SQLite has not, and truth is an integer to Python alone.
    return isinstance(value, str) or (type(value) is int and value < 2**63)
