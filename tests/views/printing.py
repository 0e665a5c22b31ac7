"""The views as the gateway prints them now."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from gateway.access.agreements import CONTRACT
from gateway.discovery import discover, party_scopes
from gateway.schema import declared_schema

HERE = Path(__file__).parent


def printed_views() -> Mapping[Path, str]:
    """For each party the file of its view, and what should be in it; and the view of a caller without any scope."""
    schema = declared_schema()
    found = {party.lower(): party_scopes(discover(), party) for party in CONTRACT.parties}
    found["nobody"] = frozenset()
    return {HERE / f"{name}.graphql": schema.printed(scopes) for name, scopes in found.items()}


def printed_rules() -> Mapping[Path, str]:
    """The file of the row rules, and what should be in it."""
    # In a process of its own, for tests declare tables too.
    command = [sys.executable, "-m", "gateway", "access", "rules"]
    return {HERE / "rows.txt": subprocess.run(command, capture_output=True, text=True, check=True).stdout}
