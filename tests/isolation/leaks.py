"""Leaks: ways in which gateways have told callers more than they may know, each planted in this one's real code."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module
from typing import Any

import pytest

from gateway import app
from gateway.access import request
from gateway.access.pseudonyms import Pseudonyms
from gateway.access.rules import shared
from gateway.clients import accounts, client, query
from gateway.clients.orders import orders
from gateway.engine.engine import Engine
from gateway.errors import FieldError
from gateway.secrets import secret
from gateway.store import readers
from gateway.store.queries import Query
from gateway.store.readers import Readers
from gateway.store.tables import RowRule
from tests.isolation.planting import KEPT, LEAKS, planted, reach_past, whole

__all__ = ["LEAKS"]

# Counts, filters and sums over everybody's rows


@planted
def clients_counted_over_everybody(patch: pytest.MonkeyPatch) -> None:
    """`clients.totalCount` counts hidden clients too."""
    reach_past(patch, client, "_count", "clients")


@planted
def orders_counted_over_everybody(patch: pytest.MonkeyPatch) -> None:
    """`orders.totalCount` counts hidden orders too."""
    reach_past(patch, request, "count_by", "orders")


@planted
def filter_by_hidden_orders(patch: pytest.MonkeyPatch) -> None:
    """A visible client is found by the date of an order that is hidden."""
    reach_past(patch, client, "_page", "orders")


@planted
def region_of_hidden_accounts(patch: pytest.MonkeyPatch) -> None:
    """A client's region, and the filters by region and party, come from any account of it."""
    for maker in ("_page", "_some", "_count"):
        reach_past(patch, client, maker, "accounts")


@planted
def sums_of_hidden_orders(patch: pytest.MonkeyPatch) -> None:
    """`lifetimeValue` sums up orders that may not be seen."""
    reach_past(patch, accounts, "_paid", "orders")


@planted
def segments_of_everybody(patch: pytest.MonkeyPatch) -> None:
    """Segments are shown of accounts whose segments may not be seen."""
    segments = import_module("connectors.mailru.segments")
    reach_past(patch, segments, "_segments", "mailru_segment_members", "mailru_segments")


@planted
def order_of_clients_by_hidden_orders(patch: pytest.MonkeyPatch) -> None:
    """The list of clients is sorted by how much they bought, from whomever."""
    bought = "(SELECT count(*) FROM all_orders WHERE all_orders.client_id = clients.id)"
    reach_past(patch, client, "_page", add=("ORDER BY clients.id", f"ORDER BY {bought}, clients.id"))


# Ids and cursors


class Numbered(Pseudonyms):
    """Clients numbered as they come up, for whomever."""

    def hide(self, party: str, keys: Sequence[int]) -> list[str]:
        """The next number for each new client."""
        numbers = KEPT.setdefault(self, {})
        return [str(numbers.setdefault(key, len(numbers) + 1)) for key in keys]

    def reveal(self, party: str, text: str) -> int | None:
        """Whose number it is."""
        return {str(number): key for key, number in KEPT.get(self, {}).items()}.get(text)


class Global(Pseudonyms):
    """One id of a client for all parties."""

    def hide(self, party: str, keys: Sequence[int]) -> list[str]:
        """The same for whomever."""
        return super().hide("everybody", keys)

    def reveal(self, party: str, text: str) -> int | None:
        """The same from whomever."""
        return super().reveal("everybody", text)


@planted
def ids_in_sequence(patch: pytest.MonkeyPatch) -> None:
    """A new client gets the next number, so that numbers tell how many came before."""
    patch.setattr(app, "pseudonyms", lambda state: Numbered(secret(state / "pseudonyms.key")))


@planted
def ids_shared_by_all_parties(patch: pytest.MonkeyPatch) -> None:
    """What one party was given as a client's id opens that client to another."""
    patch.setattr(app, "pseudonyms", lambda state: Global(secret(state / "pseudonyms.key")))


@planted
def cursor_as_offset(patch: pytest.MonkeyPatch) -> None:
    """A cursor among orders is the row's number among all orders."""
    original = request.Access.pages

    async def pages(self: Any, *arguments: Any, after: str | None = None, **options: Any) -> list[Any]:
        found = whole(self.readers, "SELECT placed_at, id FROM orders ORDER BY placed_at DESC, id DESC")
        if after is not None and after.isdecimal() and int(after) < len(found):
            after = request.cursor(found[int(after)])
        pages = await original(self, *arguments, after=after, **options)
        return [page._replace(cursor=lambda row: str(found.index((row.placed_at, row.id)))) for page in pages]

    patch.setattr(request.Access, "pages", pages)


@planted
def forbidden_is_not_missing(patch: pytest.MonkeyPatch) -> None:
    """A client that may not be seen is refused, one that is not there is not."""
    original = query._clients

    async def clients(access: Any, id: str) -> list[Any]:
        found = await original(access, id)
        key = access.pseudonyms.reveal(access.caller.party, id)
        if found == [None] and (key,) in whole(access.readers, "SELECT id FROM clients"):
            raise FieldError("You may not see this client.", "FORBIDDEN")
        return found

    patch.setattr(query, "_clients", clients)


# What is kept from one request to the next


@planted
def answers_kept_for_whomever(patch: pytest.MonkeyPatch) -> None:
    """The rows of a statement are kept, without whose they were."""
    original = Readers.fetch

    async def fetch(self: Readers, caller: Any, query: Query, **values: Any) -> Any:
        key = (self, query.sql, str(query.bind(values)))
        if key not in KEPT:
            KEPT[key] = await original(self, caller, query, **values)
        return KEPT[key]

    patch.setattr(Readers, "fetch", fetch)


@planted
def plans_kept_for_whomever(patch: pytest.MonkeyPatch) -> None:
    """The plan of a document is kept, without with which scopes it was made."""
    original = Engine._plan

    def plan(self: Engine, view: Any, chosen: Any) -> Any:
        made_for = KEPT.setdefault((self, chosen.operation), view)
        return original(self, made_for, chosen._replace(key=(made_for, chosen.key)))

    patch.setattr(Engine, "_plan", plan)


@planted
def rights_kept_for_a_party(patch: pytest.MonkeyPatch) -> None:
    """A party's applications get the rights of the one that came first."""
    original = Readers.fetch

    async def fetch(self: Readers, caller: Any, query: Query, **values: Any) -> Any:
        return await original(self, KEPT.setdefault((self, caller.party), caller), query, **values)

    patch.setattr(Readers, "fetch", fetch)


# Row rules with a hole


def without(patch: pytest.MonkeyPatch, condition: str) -> None:
    """Leave a condition out of the rule for orders."""
    there: RowRule = orders.info["rows"]
    sql = re.sub(condition, "", there.sql)
    assert sql != there.sql
    patch.setitem(orders.info, "rows", replace(there, sql=sql))


@planted
def consent_for_any_purpose(patch: pytest.MonkeyPatch) -> None:
    """A consent counts for what it was not given for."""
    without(patch, r"AND consents.purpose = \(SELECT purpose FROM caller\)")


@planted
def consent_for_any_recipient(patch: pytest.MonkeyPatch) -> None:
    """A consent counts for whom it was not given to."""
    without(patch, r"AND consents.recipient = \(SELECT party FROM caller\)")


@planted
def consent_that_is_over(patch: pytest.MonkeyPatch) -> None:
    """A consent counts after its end."""
    without(patch, r"AND \(consents.valid_until IS NULL.*")


@planted
def consent_that_has_not_begun(patch: pytest.MonkeyPatch) -> None:
    """A consent counts before its beginning."""
    without(patch, r"AND consents.valid_from <= .*")


@planted
def profiles_shared_like_accounts(patch: pytest.MonkeyPatch) -> None:
    """Who may see a client's account is shown its personal data."""
    patch.setitem(accounts.profiles.info, "rows", shared("accounts"))


@planted
def clients_shown_without_accounts(patch: pytest.MonkeyPatch) -> None:
    """Every client is listed, if with nothing of it."""
    patch.setitem(client.clients.info, "rows", RowRule("this.id IS NOT NULL", "All are seen."))


@planted
def agreements_for_any_purpose(patch: pytest.MonkeyPatch) -> None:
    """What was agreed for one purpose is done for all."""
    patch.setattr(readers, "_RIGHTS", re.sub(r"AND purpose IN .*", "", readers._RIGHTS))


@planted
def details_that_do_not_narrow(patch: pytest.MonkeyPatch) -> None:
    """A token reads datasets that it was not asked for."""
    patch.setattr(
        readers, "_RIGHTS", re.sub(r"(?s)AND \(\(SELECT datasets FROM caller\).*", "", readers._RIGHTS)
    )


@planted
def scopes_that_do_not_narrow(patch: pytest.MonkeyPatch) -> None:
    """A token without a scope reads the rows all the same, where another scope leads to them."""
    patch.setattr(readers, "_RIGHTS", re.sub(r"AND scope IN .*", "", readers._RIGHTS))
