"""What each party may ask for, as it is printed, kept and given out."""

from __future__ import annotations

import tomllib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from graphql import build_schema, print_schema
from typer.testing import CliRunner

import gateway.demo
from gateway.__main__ import app, main
from gateway.access.agreements import CONTRACT
from gateway.discovery import discover, party_scopes
from gateway.schema import declared_schema
from gateway.views import visible
from tests.conftest import ALL_SCOPES, Gateway, start
from tests.views.printing import HERE, printed_views
from tests.world import small_world

SCHEMA = declared_schema()
VIEWS = printed_views()


@pytest.mark.parametrize("path", VIEWS, ids=lambda path: path.stem)
def test_what_a_party_may_ask_for_is_what_was_reviewed(path: Path) -> None:
    """Byte for byte, so that a change of access is seen in review."""
    kept = path.read_text(encoding="utf-8") if path.exists() else ""
    assert kept == VIEWS[path], f"{path.stem} may ask for something else: look at it, then run `make schema`"


def test_there_is_a_view_of_each_party_and_of_no_other() -> None:
    """A party that left leaves no file behind."""
    assert {path.name for path in HERE.glob("*.graphql")} == {path.name for path in VIEWS}


def test_the_fund_is_shown_no_client_and_no_order() -> None:
    """Not a word of them."""
    text = (HERE / "rdif.graphql").read_text(encoding="utf-8")
    for word in ("Client", "Order", "Alibaba", "Mailru", "Pandao", "Segment", "profile", "region"):
        assert word not in text


def test_a_caller_without_scopes_is_shown_who_it_is() -> None:
    """And what an explanation looks like; nothing else."""
    kinds = build_schema((HERE / "nobody.graphql").read_text(encoding="utf-8")).type_map.keys()
    explained = {kind for kind in kinds if "Expla" in kind}
    assert {kind for kind in kinds if not kind.startswith("__")} - explained == {
        *(
            "BigInt",
            "Boolean",
            "Caller",
            "ID",
            "Int",
            "JSON",
            "Node",
            "PartnerData",
            "Party",
            "Query",
            "String",
        )
    }


@pytest.mark.parametrize("party", CONTRACT.parties)
def test_the_command_prints_the_view_of_a_party(party: str) -> None:
    """In either case of letters."""
    for name in (party, party.lower()):
        done = CliRunner().invoke(app, ["schema", "--party", name])
        assert (done.exit_code, done.stdout) == (0, VIEWS[HERE / f"{party.lower()}.graphql"])


def test_the_command_knows_who_there_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line says so, and no view is printed."""
    monkeypatch.setattr("sys.argv", ["gateway", "schema", "--party", "megafon"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    found = capsys.readouterr()
    assert found.out == ""
    assert found.err == f"gateway: there is no party MEGAFON; there are {', '.join(CONTRACT.parties)}\n"


def demo(kind: str) -> list[dict[str, Any]]:
    """The demo's applications, or its users."""
    declared = Path(gateway.demo.__file__).with_name(f"{kind}.toml")
    return tomllib.loads(declared.read_text(encoding="utf-8"))[kind]  # type: ignore[no-any-return]


def test_no_application_of_the_demo_holds_more_than_the_contract_gives_its_party() -> None:
    """So that the view of a party is all that any of its applications is shown; its person is shown all of it."""
    for each in demo("applications"):
        assert set(each["scopes"]) <= party_scopes(discover(), each["party"]), each["id"]
    for each in demo("users"):
        assert set(each["scopes"]) == party_scopes(discover(), each["party"]), each["id"]


def test_everything_there_is_can_be_tried_with_an_application_of_the_demo() -> None:
    """No scope is declared that none of them holds."""
    assert {scope for each in demo("applications") for scope in each["scopes"]} == set(SCHEMA.scopes)


ALL = frozenset(SCHEMA.scopes)


@pytest.mark.parametrize(
    "scopes",
    [frozenset(), ALL, *({each} for each in sorted(ALL)), *(ALL - {each} for each in sorted(ALL))],
    ids=lambda scopes: " ".join(sorted(scopes)) or "none",
)
def test_a_view_is_a_schema_of_just_what_introspection_shows(scopes: frozenset[str]) -> None:
    """Whole, and with the same types, fields and arguments: without a scope, with one, with all but one, with all."""
    shown = visible(SCHEMA.graphql, SCHEMA.reachable(frozenset(scopes)))
    assert print_schema(build_schema(SCHEMA.printed(frozenset(scopes)))) == print_schema(shown)


def test_scopes_that_nobody_declares_change_nothing() -> None:
    """And are not kept, so that no caller fills the memory with them."""
    assert SCHEMA.printed(frozenset({"no:such"})) is SCHEMA.printed(frozenset())


@pytest_asyncio.fixture
async def served(tmp_path: Path) -> AsyncIterator[Gateway]:
    """A gateway; the schema needs no rows."""
    async for each in start(tmp_path, small_world()):
        yield each


@pytest.mark.parametrize("party", ALL_SCOPES)
async def test_a_caller_gets_its_own_schema(served: Gateway, party: str) -> None:
    """The party's view with all of its scopes, and no more than its token is for with fewer."""
    for scopes, name in ((party_scopes(discover(), party), party.lower()), (frozenset(), "nobody")):
        headers = {"authorization": f"Bearer {served.token(party, scopes)}"}
        response = await served.client.get("/graphql/schema.graphql", headers=headers)
        assert response.text == VIEWS[HERE / f"{name}.graphql"]
