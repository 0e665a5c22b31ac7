"""The views as the gateway prints them now."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gateway.access.agreements import CONTRACT
from gateway.discovery import discover, party_scopes
from gateway.schema import Schema

HERE = Path(__file__).parent


def printed_views() -> Mapping[Path, str]:
    """For each party the file of its view, and what should be in it; and the view of a caller without any scope."""
    schema = Schema(discover())
    found = {party.lower(): party_scopes(discover(), party) for party in CONTRACT.parties}
    found["nobody"] = frozenset()
    return {HERE / f"{name}.graphql": schema.printed(scopes) for name, scopes in found.items()}
