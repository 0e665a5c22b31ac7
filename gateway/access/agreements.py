"""Agreements and consents: what one party may see of another's data, and what each client said to it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import BigInteger, Column, Connection, Integer, Text, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.errors import SettingsError
from gateway.store.tables import Instant, table

ANY_PURPOSE = "*"

agreements = table(
    "agreements",
    Column("recipient", Text, primary_key=True),
    Column("owner", Text, primary_key=True),
    Column("dataset", Text, primary_key=True),
    Column("purpose", Text, primary_key=True),
    Column("scope", Text, nullable=False),
    Column("consent", Integer, nullable=False),
)
"""A row a right: `recipient` may read `owner`'s `dataset` for `purpose` with `scope`; `consent` 1 asks the client."""

consents = table(
    "consents",
    Column("client_id", BigInteger, primary_key=True),
    Column("recipient", Text, primary_key=True),
    Column("purpose", Text, primary_key=True),
    Column("valid_from", Instant, nullable=False),
    Column("valid_until", Instant),
)
"""A client's word that `recipient` may use other parties' records of it for `purpose`."""


withheld = table(
    "withheld",
    Column("recipient", Text, primary_key=True),
    Column("owner", Text, primary_key=True),
    Column("dataset", Text, primary_key=True),
    Column("purpose", Text, primary_key=True),
    Column("since", Instant, nullable=False),
)
"""Rights of the contract that were revoked for the time being; they stay so when the contract is written anew."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """What `recipient` may read of `owner`, and for which purposes."""

    recipient: str
    owner: str
    datasets: tuple[str, ...]
    purposes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Contract:
    """The parties, their purposes and agreements, as declared; and the sources of public data, which are no parties."""

    parties: Mapping[str, str]
    purposes: Mapping[str, str]
    agreements: tuple[Agreement, ...]
    sources: Mapping[str, str] = field(default_factory=dict)

    @property
    def owners(self) -> Mapping[str, str]:
        """Whose data a connector may bring: the parties' and the sources'."""
        return {**self.parties, **self.sources}


def read_contract(path: Path) -> Contract:
    """The contract in a TOML file: `[parties]`, `[sources]`, `[purposes]`, `[[agreements]]`. Raises `SettingsError`."""
    try:
        document = tomllib.loads(path.read_text())
        parties, purposes = document["parties"], document["purposes"]
        sources = document.get("sources", {})
        found = tuple(
            Agreement(a["recipient"], a["owner"], tuple(a["datasets"]), tuple(a["purposes"]))
            for a in document.get("agreements", [])
        )
    except (KeyError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path}: {error}") from None
    for agreement in found:
        for party in (agreement.recipient, agreement.owner):
            if party not in parties:
                raise SettingsError(f"{path}: an agreement names {party}, which is not among the parties")
        for purpose in agreement.purposes:
            if purpose not in purposes:
                raise SettingsError(
                    f"{path}: an agreement names the purpose {purpose}, which is not declared"
                )
    if both := parties.keys() & sources.keys():
        raise SettingsError(f"{path}: {min(both)} is a party and a source of public data")
    return Contract(parties, purposes, found, sources)


CONTRACT = read_contract(Path(__file__).with_name("agreements.toml"))
"""The venture's contract, part of the product: a change of it is a change that is reviewed."""


@dataclass(frozen=True, slots=True)
class Right:
    """One row of `agreements`."""

    recipient: str
    owner: str
    dataset: str
    purpose: str
    scope: str
    consent: int


def rights(contract: Contract, scopes: Mapping[tuple[str, str], str]) -> list[Right]:
    """Every right that follows from the contract; `scopes` names the scope of each (owner, dataset).

    A party reads its own datasets for any purpose; another's only as agreed, and with the client's consent. Public data
    is read by every party. Raises `SettingsError` when an agreement names a dataset that its owner does not have.
    """
    own = [
        Right(reader, owner, name, ANY_PURPOSE, scope, 0)
        for (owner, name), scope in scopes.items()
        for reader in (contract.parties if owner in contract.sources else [owner])
    ]
    return own + [right for agreement in contract.agreements for right in _agreed(agreement, scopes)]


def _agreed(agreement: Agreement, scopes: Mapping[tuple[str, str], str]) -> Iterable[Right]:
    for dataset in agreement.datasets:
        scope = scopes.get((agreement.owner, dataset))
        if scope is None:
            raise SettingsError(
                f"an agreement names {agreement.owner}'s {dataset}, which no connector declares"
            )
        for purpose in agreement.purposes:
            yield Right(agreement.recipient, agreement.owner, dataset, purpose, scope, 1)


def rights_of(connection: Connection, party: str) -> list[Right]:
    """The rights a party has at this moment, to its own data and to others'."""
    found = connection.execute(select(agreements).where(agreements.c.recipient == party))
    return [Right(**row._mapping) for row in found]


async def write_rights(connection: AsyncConnection, declared: Iterable[Right]) -> None:
    """Make the agreements in the database those declared, but for what is withheld.

    It holds from callers' next statement on.
    """
    # Deleting takes the write lock, so that nothing is withheld between the reading and the writing.
    await connection.execute(delete(agreements))
    kept_back = {tuple(row[:4]) for row in await connection.execute(select(withheld))}
    rows = [
        {name: getattr(right, name) for name in Right.__slots__}
        for right in declared
        if (right.recipient, right.owner, right.dataset, right.purpose) not in kept_back
    ]
    if rows:
        await connection.execute(insert(agreements), rows)
