"""`gateway access`: what changes in who may see what, and the rules of the rows."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from textwrap import indent
from typing import Annotated

import orjson
import typer

from gateway.access import differences
from gateway.access.agreements import CONTRACT, Contract, read_contract, rights
from gateway.access.differences import Differences, Ways, grouped
from gateway.access.printed import read_ways
from gateway.commands.output import Json
from gateway.discovery import dataset_scopes, discover
from gateway.errors import SettingsError
from gateway.schema import declared_schema
from gateway.store.tables import NOBODY, RowRule, excerpts, metadata

app = typer.Typer(
    name="access",
    help="Who may see what: the rules of the rows, and what a change makes wider or narrower.",
    no_args_is_help=True,
)

AGREEMENTS, RULES, SCHEMA = "agreements.toml", "rows.txt", "schema.graphql"
PLACES = {
    SCHEMA: (SCHEMA,),
    AGREEMENTS: (AGREEMENTS, f"gateway/access/{AGREEMENTS}"),
    RULES: (RULES, f"tests/views/{RULES}"),
}
"""Where a folder has each of them: side by side, or as this repository does."""


@app.command("rules")
def print_rules(
    every: Annotated[
        bool, typer.Option("--all", help="Also the tables of which no row is for callers.")
    ] = False,
    json: Json = False,
) -> None:
    """Print each table that callers read with the rule of its rows, in words and in SQL.

    For example: gateway access rules --json
    """
    declared_schema()
    rules: dict[str, RowRule] = {table.name: table.info["rows"] for table in metadata.sorted_tables}
    rules |= {name: each.rows for name, each in excerpts.items()}
    found = {name: rule for name, rule in rules.items() if every or rule != NOBODY}
    if json:
        rows = [{"table": name, **_members(rule)} for name, rule in sorted(found.items())]
        print(orjson.dumps(rows, option=orjson.OPT_INDENT_2).decode())
    else:
        print("\n".join(f"{name}\n{indent(_text(rule), '  ')}" for name, rule in sorted(found.items())))


def _members(rule: RowRule) -> dict[str, str]:
    return {"words": rule.words, "sql": " ".join(rule.sql.split())}


def _text(rule: RowRule) -> str:
    words, sql = _members(rule).values()
    return words if rule == NOBODY else f"{words}\nSQL: {sql}"


Side = Annotated[
    Path,
    typer.Argument(
        help="A printed schema or view (.graphql), agreements (.toml), printed row rules (.txt), or a folder of these.",
        show_default=False,
    ),
]


@app.command()
def diff(old: Side, new: Side, json: Json = False) -> None:
    """Tell what NEW lets callers get at that OLD did not, and the other way round.

    OLD and NEW are two schemas as `gateway schema` prints them (or views of one party), two agreements.toml, two prints
    of `gateway access rules`, or two folders that have some of these, such as two checkouts of this repository.

    Exits 1 where access became wider, 0 where it did not, and 2 where something cannot be read. A field that some set
    of scopes reaches in NEW and not in OLD is a widening, new fields among them; one that is gone is a narrowing. Locks
    of types, interfaces and fields count together, along each way to the field. A party may do what its agreements give
    scopes for; without agreements on both sides, those of this gateway. A row rule that changed counts as wider, for a
    person must look at it. Any directive that could be a lock and is not known cannot be read.

    For example: gateway access diff ../main .
    """
    before, after = _read(old), _read(new)
    found, by_party = _differences(before, after), _by_party(before, after)
    if json:
        whole = {**asdict(found), "parties": asdict(by_party)}
        print(orjson.dumps(whole, option=orjson.OPT_INDENT_2).decode())
    else:
        _show(found, by_party)
    if found.wider or by_party.wider:
        raise typer.Exit(1)


@dataclass(frozen=True, slots=True)
class _Stand:
    """One side of a comparison: what of it there is."""

    ways: Ways | None = None
    contract: Contract | None = None
    rules: dict[str, str] | None = None

    @property
    def parts(self) -> frozenset[str]:
        return frozenset(name for name in ("ways", "contract", "rules") if getattr(self, name) is not None)


def _read(path: Path) -> _Stand:
    if path.is_dir():
        files = {
            name: next((path / place for place in places if (path / place).is_file()), None)
            for name, places in PLACES.items()
        }
    else:
        kinds = {".graphql": SCHEMA, ".graphqls": SCHEMA, ".gql": SCHEMA, ".toml": AGREEMENTS, ".txt": RULES}
        if path.suffix not in kinds:
            raise SettingsError(f"{path} is no folder, and no file that ends in {', '.join(kinds)}")
        files = {kinds[path.suffix]: path}
    if not any(files.values()):
        raise SettingsError(f"{path} has none of {', '.join(PLACES)}")
    schema, agreements, rules = (files.get(name) for name in (SCHEMA, AGREEMENTS, RULES))
    return _Stand(
        _ways(schema) if schema else None,
        _contract(agreements) if agreements else None,
        _rules(rules) if rules else None,
    )


def _ways(path: Path) -> Ways:
    try:
        return read_ways(_contents(path))
    except SettingsError as error:
        raise SettingsError(f"{path}: {error}") from None


def _contract(path: Path) -> Contract:
    _contents(path)
    try:
        return read_contract(path)
    except (TypeError, AttributeError):
        raise SettingsError(f"{path}: it is no contract") from None


def _rules(path: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    name = None
    for line in _contents(path).splitlines():
        if line and not line[0].isspace():
            name = line
            found[name] = ""
        elif line.strip():
            if name is None:
                raise SettingsError(f"{path}: it is no print of row rules")
            found[name] = f"{found[name]}\n{line.strip()}".strip()
    return found


def _contents(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read: {type(error).__name__}") from None


def _differences(old: _Stand, new: _Stand) -> Differences:
    if old.parts != new.parts:
        raise SettingsError("OLD and NEW must be of the same kind, or folders that have the same")
    found = Differences()
    if old.ways is not None and new.ways is not None:
        found.add(differences.schemas(old.ways, new.ways))
    if old.contract is not None and new.contract is not None:
        found.add(differences.contracts(old.contract, new.contract))
    if old.rules is not None and new.rules is not None:
        found.add(differences.rules(old.rules, new.rules, NOBODY.words))
    return found


def _by_party(old: _Stand, new: _Stand) -> Differences:
    if old.ways is None and old.contract is None:
        return Differences()
    own = read_ways(declared_schema().sdl) if old.ways is None else {}
    return differences.parties(
        own if old.ways is None else old.ways,
        own if new.ways is None else new.ways,
        _scopes(old.contract or CONTRACT),
        _scopes(new.contract or CONTRACT),
    )


def _scopes(contract: Contract) -> dict[str, frozenset[str]]:
    """The scopes of all that a contract gives each party."""
    given = rights(contract, dataset_scopes(discover()))
    return {
        party: frozenset(each.scope for each in given if each.recipient == party)
        for party in contract.parties
    }


def _show(found: Differences, by_party: Differences) -> None:
    parts = {
        "Wider": found.widenings,
        "Narrower": found.narrowings,
        "Changed, and to be looked at": found.changes,
        "Wider for a party, with all that its agreements give it": by_party.widenings,
        "Narrower for a party": by_party.narrowings,
    }
    for title, changes in parts.items():
        if changes:
            print(f"{title}:")
            for what, words in grouped(changes):
                print(f"  {what}: {words}")
    if not any(parts.values()):
        print("No difference in who may see what.")
