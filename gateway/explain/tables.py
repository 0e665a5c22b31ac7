"""Tables: which rows of what an operation reads are for its caller, by the rules that the database applies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache

from sqlalchemy import Integer, Table, Text, column, select
from sqlalchemy import table as plain_table

from gateway.access.request import Access
from gateway.explain.explanation import ExplainedTable
from gateway.oauth.tokens import Caller
from gateway.store.queries import Query, Row
from gateway.store.tables import RowRule, metadata

_RIGHTS = plain_table(
    "caller_right", column("owner", Text), column("dataset", Text), column("consent", Integer)
)


@cache
def _rights() -> Query:
    return Query(select(*_RIGHTS.c).distinct().order_by(*_RIGHTS.c))


async def caller_rights(access: Access) -> Sequence[Row]:
    """What the caller may read at this moment, from the view that the row rules themselves read."""
    return await access.fetch(_rights())


def readable(table: Table, rights: Sequence[Row]) -> bool:
    """Whether the caller has a right to read any row of a table, as far as agreements go."""
    [*_, root] = _followed(table)
    return bool(_covering(root, rights))


def explained_tables(tables: Iterable[Table], rights: Sequence[Row], caller: Caller) -> list[ExplainedTable]:
    """The rules of these tables, and of those that they follow, each once and in the order of their names."""
    found = {each.name: each for one in tables for each in _followed(one)}
    return [_explained(found[name], rights, caller) for name in sorted(found)]


def _followed(table: Table) -> Iterator[Table]:
    """The table, the one whose rows decide about its rows, and so on."""
    yield table
    parent = _rule(table).parent
    if parent is not None:
        yield from _followed(metadata.tables[parent])


def _explained(table: Table, rights: Sequence[Row], caller: Caller) -> ExplainedTable:
    rule = _rule(table)
    [*_, root] = map(_rule, _followed(table))
    covering = [
        right for right in rights if right.dataset == root.dataset and root.owner in (None, right.owner)
    ]
    whole = sorted({right.owner for right in covering if not (root.asks_consent and right.consent)})
    # Of whom all rows are seen, those of clients who consented are.
    with_consent = sorted({right.owner for right in covering} - set(whole))
    return ExplainedTable(
        name=table.name,
        rule=rule.words,
        follows=rule.parent,
        whole=whole,
        with_consent=with_consent,
        meaning=_meaning(rule, root.dataset, whole, with_consent, caller),
    )


def _covering(table: Table, rights: Sequence[Row]) -> list[Row]:
    """The rights that a table's own rule asks for."""
    rule = _rule(table)
    return [right for right in rights if right.dataset == rule.dataset and rule.owner in (None, right.owner)]


def _meaning(
    rule: RowRule, dataset: str | None, whole: Sequence[str], with_consent: Sequence[str], caller: Caller
) -> str:
    seen = [f"all {dataset} of {party}" for party in whole]
    clients = f"clients who consented to {caller.party} for {caller.purpose}"
    seen += [f"the {dataset} that {party} has of {clients}" for party in with_consent]
    if not seen:
        return f"Nothing: the caller may read no {dataset or 'row'} now."
    told = "; and ".join(seen)
    return f"What goes with {told}." if rule.parent else f"{told[0].upper()}{told[1:]}."


def _rule(table: Table) -> RowRule:
    rule: RowRule = table.info["rows"]
    return rule
