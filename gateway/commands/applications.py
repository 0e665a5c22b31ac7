"""`gateway app`: the parties' applications, who may ask for a token."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.access.agreements import CONTRACT
from gateway.commands.output import Json, print_one, print_rows
from gateway.commands.transaction import run
from gateway.errors import SettingsError
from gateway.oauth import administration
from gateway.oauth.applications import Application, list_all, register
from gateway.oauth.audit import record
from gateway.oauth.public_keys import keys_of, read_keys
from gateway.oauth.registration import Known
from gateway.schema import declared_schema

app = typer.Typer(
    name="app", help="The parties' applications: who may ask for a token.", no_args_is_help=True
)

Id = Annotated[str, typer.Argument(help="The application's id, its client_id.", show_default=False)]
Name = Annotated[str, typer.Option(help="What people know it by.")]
Party = Annotated[str, typer.Option(help="Whose it is, as ALIBABA.")]
Purposes = Annotated[list[str], typer.Option(help="What it may ask for; the first is its default.")]
Scopes = Annotated[list[str], typer.Option(help="What it may ask.")]
Grants = Annotated[
    list[str],
    typer.Option(help="client_credentials, authorization_code or refresh_token; by default what it can use."),
]
RedirectUris = Annotated[list[str], typer.Option(help="Where a browser comes back to with a code.")]
Public = Annotated[bool, typer.Option("--public", help="It can keep no secret, as in a browser.")]
StrictAudience = Annotated[
    bool, typer.Option("--strict-audience", help="Its assertions must be for the issuer alone.")
]
DpopRequired = Annotated[
    bool, typer.Option("--dpop-required", help="Its tokens must be bound to a key (RFC 9449).")
]
KeyFile = Annotated[
    Path | None,
    typer.Option(help="Authenticate by private_key_jwt with these keys: a JWK Set, a JWK, or a key in PEM."),
]

TrustedOnly = Annotated[
    bool | None,
    typer.Option(
        "--trusted-only/--no-trusted-only",
        help="It may run nothing but its registered documents (gateway documents add).",
        show_default=False,
    ),
]

CostPerMinute = Annotated[
    int | None,
    typer.Option(
        help="Cost units it may use; 0: as the settings say.", min=0, max=10**12, show_default=False
    ),
]

Concurrency = Annotated[
    int | None,
    typer.Option(
        help="Operations it may have at a time; 0: as the settings say.", min=0, max=10**6, show_default=False
    ),
]


@app.command()
def add(
    id: Id,
    name: Name,
    party: Party,
    purpose: Purposes,
    scope: Scopes = [],  # noqa: B006 - typer copies it
    grant: Grants = [],  # noqa: B006
    redirect_uri: RedirectUris = [],  # noqa: B006
    public_key: KeyFile = None,
    public: Public = False,
    strict_audience: StrictAudience = False,
    dpop_required: DpopRequired = False,
    trusted_only: TrustedOnly = None,
    cost_per_minute: CostPerMinute = None,
    concurrency: Concurrency = None,
    json: Json = False,
) -> None:
    """Add an application, and show its secret this once if it has one.

    gateway app add shop --name Shop --party ALIBABA --scope clients:read --purpose analytics

    gateway app add batch --name Batch --party MAILRU --purpose analytics --public-key keys.json

    gateway app add desk --name Desk --party RDIF --purpose reporting --public --redirect-uri https://desk.example/back
    """
    if public and public_key:
        raise SettingsError("an application is public or has a public key to prove itself by, not both")
    application = Application(
        id,
        name,
        party,
        tuple(scope),
        tuple(purpose),
        authentication="none" if public else "private_key_jwt" if public_key else "client_secret",
        grant_types=tuple(grant) or _usable(public, bool(redirect_uri)),
        redirect_uris=tuple(redirect_uri),
        jwks=_read(public_key) if public_key else None,
        strict_audience=int(strict_audience),
        dpop_required=int(dpop_required),
        trusted_only=int(bool(trusted_only)),
        cost_per_minute=cost_per_minute or None,
        concurrency=concurrency or None,
    )
    secret = run(lambda connection: _registered(connection, application))
    print_one({"id": id, "authentication": application.authentication} | _shown(secret), json)


@app.command("list")
def list_applications(json: Json = False) -> None:
    """All applications, the disabled ones among them.

    gateway app list --json
    """
    found = run(list_all)
    columns = ("id", "party", "authentication", "scopes", "purposes", "disabled_at")
    print_rows([_described(each) for each in found], columns, json)


@app.command()
def show(id: Id, json: Json = False) -> None:
    """One application, with all that is set.

    gateway app show shop
    """
    print_one(_described(run(lambda connection: administration.get(connection, id))), json)


@app.command("set")
def change(
    id: Id,
    trusted_only: TrustedOnly = None,
    cost_per_minute: CostPerMinute = None,
    concurrency: Concurrency = None,
    json: Json = False,
) -> None:
    """Change what an application may do; what is not said stays. It holds within seconds, for the tokens it has too.

    gateway app set shop --trusted-only

    gateway app set shop --cost-per-minute 1000000 --concurrency 20
    """
    said = {"trusted_only": trusted_only, "cost_per_minute": cost_per_minute, "concurrency": concurrency}
    # Nought is no limit that anybody could want: it is null, and the settings decide.
    values: dict[str, Any] = {
        name: None if type(value) is int and value == 0 else value
        for name, value in said.items()
        if value is not None
    }
    if not values:
        raise SettingsError("say what to set, as --trusted-only or --concurrency")
    _changed("app set", id, lambda connection: administration.change(connection, id, values), **values)
    print_one({"id": id, **values}, json)


@app.command("rotate-secret")
def rotate_secret(id: Id, json: Json = False) -> None:
    """Give an application a new secret, shown this once.

    The old one is good no more, tokens that it brought are until they expire; where it has leaked, disable first.

    gateway app rotate-secret shop
    """
    secret = _changed(
        "app rotate-secret", id, lambda connection: administration.rotate_secret(connection, id)
    )
    print_one({"id": id} | _shown(secret), json)


@app.command("rotate-key")
def rotate_key(
    id: Id,
    public_key: Annotated[Path, typer.Option(help="A JWK Set, a JWK, or a key in PEM.", show_default=False)],
    json: Json = False,
) -> None:
    """Replace an application's public keys.

    To change without a gap, first give a set of both the old key and the new.

    gateway app rotate-key batch --public-key keys.json
    """
    jwks = _read(public_key)
    thumbprints = [key.thumbprint() for key in keys_of(jwks)]
    _changed(
        "app rotate-key",
        id,
        lambda connection: administration.rotate_key(connection, id, jwks),
        keys=thumbprints,
    )
    print_one({"id": id, "keys": thumbprints}, json)


@app.command()
def disable(id: Id, json: Json = False) -> None:
    """Give an application no more tokens, and end those it has.

    At once for new tokens, within seconds for those it has.

    gateway app disable shop
    """
    _changed("app disable", id, lambda connection: administration.disable(connection, id))
    print_one({"id": id, "disabled": True}, json)


@app.command()
def enable(id: Id, json: Json = False) -> None:
    """Give a disabled application tokens again.

    Those it had when it was disabled stay ended.

    gateway app enable shop
    """
    _changed("app enable", id, lambda connection: administration.enable(connection, id))
    print_one({"id": id, "disabled": False}, json)


async def _registered(connection: AsyncConnection, application: Application) -> str | None:
    """The secret of an application that is registered, together with its entry in the audit trail."""
    known = Known(set(CONTRACT.parties), set(declared_schema().scopes), set(CONTRACT.purposes))
    secret = await register(connection, application, known)
    said = _described(await administration.get(connection, application.id))
    told = {name: value for name, value in said.items() if name not in ("id", "created_at", "disabled_at")}
    await record(connection, "app add", application.id, **told)
    return secret


def _changed(
    action: str, id: str, change: Callable[[AsyncConnection], Awaitable[Any]], **details: Any
) -> Any:
    """What a change gives, made together with its entry in the audit trail."""

    async def work(connection: AsyncConnection) -> Any:
        result = await change(connection)
        await record(connection, action, id, **details)
        return result

    return run(work)


def _usable(public: bool, redirected: bool) -> tuple[str, ...]:
    if public or redirected:
        return ("authorization_code", "refresh_token")
    return ("client_credentials",)


def _read(file: Path) -> str:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise SettingsError(f"{file} cannot be read: {error.strerror}") from None
    return read_keys(content)


def _shown(secret: str | None) -> dict[str, str]:
    return {} if secret is None else {"secret": secret}


def _described(application: Application) -> dict[str, Any]:
    """An application as it is shown: all but what proves it, keys by their thumbprints (RFC 7638)."""
    return {
        "id": application.id,
        "name": application.name,
        "party": application.party,
        "scopes": application.scopes,
        "purposes": application.purposes,
        "authentication": application.authentication,
        "grants": application.grant_types,
        "redirect_uris": application.redirect_uris,
        "keys": [key.thumbprint() for key in keys_of(application.jwks)],
        "strict_audience": bool(application.strict_audience),
        "dpop_required": bool(application.dpop_required),
        "trusted_only": bool(application.trusted_only),
        "cost_per_minute": application.cost_per_minute,
        "concurrency": application.concurrency,
        "created_at": application.created_at,
        "disabled_at": application.disabled_at,
    }
