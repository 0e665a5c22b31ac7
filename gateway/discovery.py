"""Discovery: connectors are found by their folders; nothing in the gateway names one."""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path

import connectors
import gateway.clients
import gateway.shipments
import gateway.sync
from gateway.access.agreements import CONTRACT, rights
from gateway.clients.accounts import contacts
from gateway.connector import Connector
from gateway.errors import SchemaError
from gateway.settings import Settings
from gateway.sync.runs import Declared
from gateway.upstream.partners import FOLDER
from gateway.upstream.upstream import Upstream
from gateway.webhooks.webhook import Correspondent


@cache
def discover() -> tuple[Connector, ...]:
    """Every connector under `connectors/`, by name. Raises `SchemaError` for a folder that declares none."""
    names = sorted(module.name for module in pkgutil.iter_modules(connectors.__path__) if module.ispkg)
    return tuple(_declared(name) for name in names)


def _declared(name: str) -> Connector:
    found = getattr(import_module(f"connectors.{name}"), "connector", None)
    if not isinstance(found, Connector) or found.name != name:
        raise SchemaError(f"connectors/{name} must declare `connector = Connector(name={name!r}, …)`")
    if found.party not in (None, *CONTRACT.owners):
        raise SchemaError(f"connectors/{name}: {found.party} is not among the parties of the agreements")
    return found


_SHARED = {"Shared": gateway.clients, "Parcels": gateway.shipments, "Pulls": gateway.sync}


def example_folders() -> Mapping[str, Path]:
    """Where example operations lie: those of the shared base, of parcels and of pulls, and each party's."""
    packages = {each.party: import_module(f"connectors.{each.name}") for each in discover() if each.party}
    return {
        name: Path(inspect.getfile(package)).parent / "examples"
        for name, package in {**_SHARED, **packages}.items()
    }


def correspondents(settings: Settings) -> Mapping[str, Correspondent]:
    """The partners that send messages and that the operator gave an address, by the names of their connectors."""
    return {
        each.name: Correspondent(each.webhook, settings.connectors[each.name], _way(each, settings))
        for each in discover()
        if each.webhook is not None and each.name in settings.connectors
    }


def _way(to: Connector, settings: Settings) -> Callable[[], Upstream]:
    return lambda: Upstream(to.name, settings.connectors[to.name], to.terms, settings.state / FOLDER)


OPERATIONS = "ops:read"
"""The scope under which is read how pulls fare: of each owner's datasets, its dataset `syncs`."""


def declared_runs() -> Iterator[Declared]:
    """Every dataset that may be pulled."""
    for each in discover():
        yield from (Declared(each.name, dataset.name, each.party) for dataset in each.datasets)


def dataset_scopes(found: Sequence[Connector]) -> Mapping[tuple[str, str], str]:
    """The scope under which each (owner, dataset) is read, as the connectors declare."""
    declared = {
        (connector.party, name): scope
        for connector in found
        if connector.party
        for dataset in connector.datasets
        for name, scope in dataset.covers.items()
    }
    runs = {(each.party, "syncs"): OPERATIONS for each in found if each.party and each.datasets}
    return declared | runs


def party_scopes(found: Sequence[Connector], party: str) -> frozenset[str]:
    """The scopes of all that the contract gives a party: its own datasets, public ones, and others' for any purpose.

    And those of whatever its own connectors do, and of sending its clients' contacts to who may have them.
    """
    own = {scope for each in found if each.party == party for scope in each.scopes}
    given = rights(CONTRACT, dataset_scopes(found))
    takers = {each.recipient for each in given if (each.owner, each.dataset) == (party, contacts.name)}
    sending = {each.delivery.scope for each in found if each.delivery is not None and each.party in takers}
    return frozenset(each.scope for each in given if each.recipient == party) | own | sending
