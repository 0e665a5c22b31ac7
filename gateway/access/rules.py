"""Row rules: which rows a caller gets, in SQL that the database itself applies, and in words that say the same.

`caller` is written when a caller takes a connection; what it may read, `caller_right`, follows from it and from
the agreements as they stand at that moment, so a revoked agreement or a withdrawn consent holds from the next
statement on.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.store.tables import RowRule


@dataclass(frozen=True, slots=True)
class Condition:
    """What may hold of a row, in SQL and in words; put together, both are."""

    sql: str
    words: str

    def __or__(self, other: Condition) -> Condition:
        return Condition(f"{self.sql}\nOR {other.sql}", f"{self.words}; or {other.words}")

    def __and__(self, other: Condition) -> Condition:
        # AND binds tighter than OR, as a comma does than a semicolon.
        return Condition(f"{self.sql}\nAND {other.sql}", f"{self.words}, and {other.words}")


CONSENTED = Condition(
    """EXISTS (
    SELECT 1 FROM main.consents
    WHERE consents.client_id = this.client_id
      AND consents.recipient = (SELECT party FROM caller)
      AND consents.purpose = (SELECT purpose FROM caller)
      AND consents.valid_from <= (SELECT strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
      AND (consents.valid_until IS NULL OR consents.valid_until > (SELECT strftime('%Y-%m-%dT%H:%M:%SZ', 'now')))
)""",
    "the client has consented to the caller's party and purpose, and the consent is valid now",
)


def shared(dataset: str, owner: str = "this.party") -> RowRule:
    """Rows of the caller's own clients, and rows of others that agreement and the client's consent let it see.

    For a table with a `client_id`. `owner` is the party whose record it is: a column, or a quoted name.
    """
    own = _readable(dataset, owner, 0, "without asking the client")
    others = _readable(dataset, owner, 1, "if the client agrees") & CONSENTED
    return _rule(own | others, dataset, owner, asks_consent=True)


def consented(dataset: str, owner: str = "this.party") -> RowRule:
    """Rows of clients who have consented, whoever has them: the caller's own clients are asked too."""
    return _rule(_readable(dataset, owner) & CONSENTED, dataset, owner, asks_consent=True)


def agreed(dataset: str, owner: str) -> RowRule:
    """All rows, for callers whose agreement covers the dataset; for tables that hold no person's data."""
    return _rule(_readable(dataset, owner), dataset, owner)


def follows(parent: str, condition: str) -> RowRule:
    """Rows whose parent row the caller may see; `condition` ties the two, e.g. `orders.id = this.order_id`."""
    sql = f"EXISTS (SELECT 1 FROM {parent} WHERE {condition})"  # noqa: S608 - declarations, no caller's text
    return RowRule(sql, f"A row is seen if a row of {parent} that goes with it is seen.", parent=parent)


def _readable(dataset: str, owner: str, consent: int | None = None, how: str = "") -> Condition:
    asked = "" if consent is None else f" AND consent = {consent}"
    sql = f"{owner} IN (SELECT owner FROM caller_right WHERE dataset = '{dataset}'{asked})"  # noqa: S608 - as above
    whose = f"{_named(owner)}'s" if _named(owner) else "its owner's"
    return Condition(sql, f"the caller may read {whose} {dataset} {how}".rstrip())


def _rule(condition: Condition, dataset: str, owner: str, asks_consent: bool = False) -> RowRule:
    words = f"A row is seen if {condition.words}."
    return RowRule(condition.sql, words, dataset, _named(owner), asks_consent)


def _named(owner: str) -> str | None:
    """The party in a quoted name; None for a column."""
    return owner.strip("'") if owner.startswith("'") else None
