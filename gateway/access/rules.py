"""Row rules: which rows a caller gets, in SQL that the database itself applies.

`caller` and `caller_scope` are written when a caller takes a connection; what it may read follows from them and from
the agreements as they stand at that moment, so a revoked agreement or a withdrawn consent holds from the next
statement on.
"""

from __future__ import annotations

OWN_OR_SHARED = """
{owner} IN (SELECT owner FROM caller_right WHERE dataset = '{dataset}' AND consent = 0)
OR {owner} IN (SELECT owner FROM caller_right WHERE dataset = '{dataset}' AND consent = 1)
AND EXISTS (
    SELECT 1 FROM main.consents
    WHERE consents.client_id = this.client_id
      AND consents.recipient = (SELECT party FROM caller)
      AND consents.purpose = (SELECT purpose FROM caller)
      AND consents.valid_from <= (SELECT strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
      AND (consents.valid_until IS NULL OR consents.valid_until > (SELECT strftime('%Y-%m-%dT%H:%M:%SZ', 'now')))
)
"""


def shared(dataset: str, owner: str = "this.party") -> str:
    """Rows of the caller's own clients, and rows of others that agreement and the client's consent let it see.

    For a table with a `client_id`. `owner` is the party whose record it is: a column, or a quoted name.
    """
    return OWN_OR_SHARED.format(owner=owner, dataset=dataset).strip()


def agreed(dataset: str, owner: str) -> str:
    """All rows, for callers whose agreement covers the dataset; for tables that hold no person's data."""
    return f"{owner} IN (SELECT owner FROM caller_right WHERE dataset = '{dataset}')"  # noqa: S608 - declarations, no caller's text


def follows(parent: str, condition: str) -> str:
    """Rows whose parent row the caller may see; `condition` ties the two, e.g. `orders.id = this.order_id`."""
    return f"EXISTS (SELECT 1 FROM {parent} WHERE {condition})"  # noqa: S608 - as above
