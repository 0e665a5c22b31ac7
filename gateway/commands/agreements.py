"""`gateway agreements`, `grant`, `revoke`: what parties may read of each other, within what the contract says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.access.agreements import CONTRACT, Right, rights
from gateway.access.withholding import Key, give_back, key, withheld_rights, withhold
from gateway.commands.output import Json, print_rows
from gateway.commands.transaction import run
from gateway.discovery import dataset_scopes, discover
from gateway.errors import SettingsError
from gateway.oauth.audit import record

app = typer.Typer()

Recipient = Annotated[str, typer.Option(help="The party that reads, as MAILRU.")]
Owner = Annotated[str, typer.Option(help="The party whose data it is, as ALIBABA.")]
Datasets = Annotated[list[str], typer.Option("--dataset", help="The dataset, as orders; may be said again.")]
Purposes = Annotated[
    list[str] | None,
    typer.Option(
        "--purpose", help="The purpose; may be said again. All that the contract names, if not said."
    ),
]

_COLUMNS = ("recipient", "owner", "dataset", "purpose", "withheld_since")


@app.command("agreements")
def list_agreements(json: Json = False) -> None:
    """What each party may read of another's data, and what of it is withheld. For example: gateway agreements --json

    The contract, gateway/access/agreements.toml, is the most there can be. Beside it each party reads its own data,
    and of another's only what the client consented to.
    """
    print_rows(_shown(_shared(_declared()), run(withheld_rights)), _COLUMNS, json)


@app.command()
def revoke(
    recipient: Recipient, owner: Owner, dataset: Datasets, purpose: Purposes = None, json: Json = False
) -> None:
    """Withhold what the contract lets a party read, from its next statement on, whatever tokens it has.

    It stays so until `gateway grant`, also when the contract is written anew.
    For example: gateway revoke --recipient MAILRU --owner ALIBABA --dataset orders --purpose targeted_offers
    """
    if recipient == owner in CONTRACT.parties:
        raise SettingsError(f"{owner}'s own data cannot be withheld from it")
    declared = _declared()
    named = _named(declared, recipient, owner, dataset, purpose)

    async def work(connection: AsyncConnection) -> Mapping[Key, str]:
        await _record(connection, "revoke", await withhold(connection, named, declared))
        return await withheld_rights(connection)

    print_rows(_shown(named, run(work)), _COLUMNS, json)


@app.command()
def grant(
    recipient: Recipient, owner: Owner, dataset: Datasets, purpose: Purposes = None, json: Json = False
) -> None:
    """Give back what was withheld of the contract, from the next statement on; never more than the contract.

    For example: gateway grant --recipient MAILRU --owner ALIBABA --dataset orders
    """
    if recipient == owner in CONTRACT.parties:
        raise SettingsError(f"{owner} reads its own data in any case")
    declared = _declared()
    named = _named(declared, recipient, owner, dataset, purpose)

    async def work(connection: AsyncConnection) -> Mapping[Key, str]:
        await _record(connection, "grant", await give_back(connection, named, declared))
        return await withheld_rights(connection)

    print_rows(_shown(named, run(work)), _COLUMNS, json)


async def _record(connection: AsyncConnection, action: str, changed: Sequence[Right]) -> None:
    """Note in the audit trail what a command changed, if it did."""
    if changed:
        subject = f"{changed[0].recipient} of {changed[0].owner}"
        await record(connection, action, subject, rights=[[each.dataset, each.purpose] for each in changed])


def _declared() -> list[Right]:
    return rights(CONTRACT, dataset_scopes(discover()))


def _shared(declared: Iterable[Right]) -> list[Right]:
    return [each for each in declared if each.recipient != each.owner in CONTRACT.parties]


def _named(
    declared: Sequence[Right],
    recipient: str,
    owner: str,
    datasets: Sequence[str],
    purposes: Sequence[str] | None,
) -> list[Right]:
    """The rights that a command names. Raises `SettingsError` where the contract does not have one of them."""
    for party in (recipient, owner):
        if party not in CONTRACT.parties:
            raise SettingsError(f"{party} is not a party; there are {_listed(CONTRACT.parties)}")
    whole = [each for each in declared if (each.recipient, each.owner) == (recipient, owner)]
    if not whole:
        raise _beyond(recipient, f"nothing of {owner}'s")
    if unknown := [each for each in datasets if each not in {right.dataset for right in whole}]:
        raise _beyond(
            recipient, f"{_listed(right.dataset for right in whole)} of {owner}'s, not {', '.join(unknown)}"
        )
    found = [
        each for each in whole if each.dataset in datasets and each.purpose in (purposes or [each.purpose])
    ]
    for dataset in datasets:
        agreed = [right.purpose for right in whole if right.dataset == dataset]
        if unknown := [each for each in purposes or () if each not in agreed]:
            raise _beyond(
                recipient, f"{owner}'s {dataset} for {_listed(agreed)}, not for {', '.join(unknown)}"
            )
    return found


def _beyond(recipient: str, what: str) -> SettingsError:
    return SettingsError(f"the contract, gateway/access/agreements.toml, gives {recipient} {what}")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(set(names)))


def _shown(found: Iterable[Right], held: Mapping[Key, str]) -> list[dict[str, Any]]:
    return [
        {
            "recipient": right.recipient,
            "owner": right.owner,
            "dataset": right.dataset,
            "purpose": right.purpose,
            "scope": right.scope,
            "withheld_since": held.get(key(right)),
        }
        for right in found
    ]
