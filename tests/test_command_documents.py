"""`gateway documents`: what is registered can be run by its id soon, and what is refused is named, with the reason."""

from __future__ import annotations

import asyncio
import contextlib
import json
from hashlib import md5, sha1, sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.documents import registration
from gateway.documents.manifests import Listed, read_manifest
from gateway.errors import SettingsError
from gateway.settings import Settings
from tests.conftest import empty_database
from tests.test_command_app import SHOP, Administration
from tests.test_command_line import Line, line

__all__ = ["line"]

PARTY = "{ caller { party } }"
CLIENTS = "query Clients { clients { totalCount } }"
ORDERS = "query Orders($all: Boolean!) { clients { nodes { orders @include(if: $all) { totalCount } } } }"
REPORT = 'query Report { fundReport(quarter: "2017Q1") { quarter } }'


def hashed(document: str) -> str:
    return sha256(document.encode()).hexdigest()


def apollo(*documents: str, **other: Any) -> Any:
    operations = [{"id": hashed(each), "name": "x", "type": "query", "body": each} for each in documents]
    return {"format": "apollo-persisted-query-manifest", "version": 1, "operations": operations} | other


class Documents(Administration):
    """`gateway documents` on a state folder, with the applications shop, which may ask for clients only, and books."""

    def file(self, content: Any, name: str = "manifest.json") -> str:
        """A file with that in it."""
        file = self.line.state / name
        file.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return str(file)

    def documents(self, *arguments: str) -> str:
        """What a command says that succeeds."""
        found = self.line.run("documents", *arguments)
        assert (found.code, found.errors) == (0, "")
        return found.output

    def told(self, *arguments: str) -> Any:
        """What it says to a machine."""
        return json.loads(self.documents(*arguments, "--json"))

    def refused(self, *arguments: str) -> list[dict[str, str]]:
        """The documents for which `add` adds nothing."""
        people = self.line.run("documents", "add", *arguments)
        machine = self.line.run("documents", "add", *arguments, "--json")
        assert (people.code, machine.code) == (2, 2)
        assert people.errors == machine.errors
        assert people.errors.startswith("gateway: nothing was added")
        found: list[dict[str, str]] = json.loads(machine.output)["refused"]
        lines = [f"{each['id']} in {each['file']}: {each['reason']}" for each in found]
        assert people.output.splitlines() == lines
        return found

    def texts(self, application: str = "shop") -> dict[str, str]:
        """All documents of an application, by id."""
        ids = [each["id"] for each in self.told("list", application)]
        return {id: self.told("show", application, id)["document"] for id in ids}


@pytest.fixture
def at(line: Line) -> Documents:
    """A gateway with two applications."""
    used = Settings(state=line.state)
    asyncio.run(empty_database(used))
    found = Documents(line, used)
    found.run("add", "shop", *SHOP)
    books = ("--name", "Books", "--party", "RDIF", "--scope", "fund:reports", "--purpose", "reporting")
    found.run("add", "books", *books)
    return found


def test_each_format_is_read(at: Documents) -> None:
    """Apollo's, Relay's with each of its hashes, graphql-codegen's, and plain documents by their SHA-256."""
    texts = {
        hashed(PARTY): PARTY,
        md5(CLIENTS.encode()).hexdigest(): CLIENTS,
        sha1(CLIENTS.encode()).hexdigest(): CLIENTS,
        f"sha256:{hashed(CLIENTS)}": CLIENTS,
        "x-shop:clients": CLIENTS,
    }
    plain = "# who asks\nquery Who {\n  caller { party }\n}\n"
    apollos = at.file(apollo(PARTY), "apollo.json")
    others = at.file({id: text for id, text in texts.items() if text == CLIENTS}, "persisted.json")
    told = at.told("add", "shop", apollos, others, at.file(plain.encode(), "who.graphql"))
    assert set(told["added"]) == {*texts, hashed(plain)}
    assert (told["unchanged"], told["warnings"]) == ([], [])
    assert at.texts() == texts | {hashed(plain): plain}
    assert at.texts("books") == {}
    assert at.documents("show", "shop", hashed(plain)) == plain + "\n"
    [listed] = [each for each in at.told("list", "shop") if each["id"] == hashed(plain)]
    assert (listed["operations"], listed["characters"]) == (["Who"], len(plain))


def test_what_was_registered_stays_and_can_be_added_again(at: Documents) -> None:
    """So that each release may add all it has; an id means one text for ever, or until it is removed."""
    at.documents("add", "shop", at.file({"one": PARTY}))
    told = at.told("add", "shop", at.file({"one": PARTY, "two": CLIENTS}))
    assert (told["added"], told["unchanged"]) == (["two"], ["one"])
    said = at.line.refused("documents", "add", "shop", at.file({"one": CLIENTS, "three": PARTY}))
    assert "one is registered with another text" in said
    assert at.texts() == {"one": PARTY, "two": CLIENTS}
    at.documents("remove", "shop", "one")
    at.documents("add", "shop", at.file({"one": CLIENTS}))
    assert at.texts() == {"one": CLIENTS, "two": CLIENTS}


def test_a_dry_run_adds_nothing_and_says_what_it_would(at: Documents) -> None:
    manifest = at.file({"one": PARTY})
    assert at.told("add", "shop", manifest, "--dry-run")["added"] == ["one"]
    assert "1 would be added" in at.documents("add", "shop", manifest, "--dry-run")
    assert at.texts() == {}
    assert [action for _, action, _, _ in at.audited()] == ["app add", "app add"]


def test_what_the_applications_scopes_refuse_is_told_and_registered(at: Documents) -> None:
    """Also what only some variables ask for."""
    told = at.told("add", "shop", at.file({"one": ORDERS}))
    [warning] = told["warnings"]
    assert (warning["id"], told["added"]) == ("one", ["one"])
    assert "OrderConnection, which needs alibaba:read" in warning["warning"]
    assert "OrderConnection" in at.documents("add", "shop", at.file({"one": ORDERS}))


REFUSED = {
    "syntax": ("{ caller { party }", "Syntax Error"),
    "unknown field": ("{ whatever }", "Cannot query field 'whatever'"),
    "place": ("{\n  whatever\n}", "line 2, column 3"),
    "depth": ("{a" * 20 + "}" * 20, "levels deep"),
    "tokens": ("{ a }" * 3_000, "tokens"),
    "aliases": ("{" + " ".join(f"a{n}: caller {{ party }}" for n in range(400)) + "}", "over"),
    "characters": ("#" * 100_001 + PARTY, "characters"),
    "another party's": (REPORT, "its party may not ask for Query.fundReport, which needs fund:reports"),
    "hidden by a variable": (
        'query ($a: Boolean!) { fundReport(quarter: "2017Q1") @include(if: $a) { quarter } }',
        "its party may not ask for Query.fundReport",
    ),
    "hidden by a word": (
        'fragment f on Query { fundReport(quarter: "2017Q1") @skip(if: true) { quarter } } { ...f }',
        "its party may not ask for Query.fundReport",
    ),
    "no operation": ("fragment f on Query { caller { party } }", "never used"),
    "mutation": ("mutation { a }", "type 'Mutation'"),
    "empty": ("", "Syntax Error"),
}


@pytest.mark.parametrize(("text", "reason"), REFUSED.values(), ids=REFUSED)
def test_one_that_cannot_run_keeps_all_out(at: Documents, text: str, reason: str) -> None:
    """It is named, with the file and the reason."""
    manifest = at.file({"good": PARTY, "bad": text})
    [refused] = at.refused("shop", manifest)
    assert (refused["id"], refused["file"]) == ("bad", manifest)
    assert reason in refused["reason"]
    assert at.texts() == {}
    assert [action for _, action, _, _ in at.audited()] == ["app add", "app add"]


def test_a_party_may_register_what_is_its_own(at: Documents) -> None:
    """The fund's application what Alibaba's may not, and the other way round."""
    assert at.told("add", "books", at.file({"report": REPORT}))["warnings"] == []
    [refused] = at.refused("books", at.file({"clients": CLIENTS}))
    assert "Query.clients, which needs clients:read" in refused["reason"]


NO_MANIFESTS = {
    "a list": ([PARTY], "no list of documents"),
    "a text": (PARTY, "no list of documents"),
    "no JSON": (b"{", "neither JSON"),
    "not UTF-8": (b'{"a": "\xff"}', "not UTF-8"),
    "a text that is none": ({"a": 5}, "no list of documents"),
    "another format": (apollo(PARTY, format="other"), "version 1"),
    "another version": (apollo(PARTY, version=2), "version 1"),
    "no operations": (apollo(operations={}), "version 1"),
    "an operation that is none": (apollo(operations=[PARTY]), "no list of documents"),
    "an operation without a body": (apollo(operations=[{"id": "a"}]), "no list of documents"),
    "an operation without an id": (apollo(operations=[{"body": PARTY}]), "no list of documents"),
    "an empty id": ({"": PARTY}, "no id"),
    "an id with a space": ({"a b": PARTY}, "no id"),
    "a long id": ({"a" * 257: PARTY}, "no id"),
    "not its MD5": ({"0" * 32: PARTY}, "not the MD5"),
    "not its SHA-1": ({"0" * 40: PARTY}, "not the SHA1"),
    "not its SHA-256": ({"0" * 64: PARTY}, "not the SHA256"),
    "upper case": ({hashed(PARTY).upper(): PARTY}, "lower-case"),
    "a prefix": ({"sha256:x": PARTY}, "not the SHA256"),
    "not its SHA-256, of Apollo": (
        apollo(operations=[{"id": hashed(PARTY), "body": CLIENTS}]),
        "not the SHA256",
    ),
    "one id for two": (
        apollo(operations=[{"id": "a", "body": PARTY}, {"id": "a", "body": CLIENTS}]),
        "a has one text",
    ),
}


@pytest.mark.parametrize(("content", "reason"), NO_MANIFESTS.values(), ids=NO_MANIFESTS)
def test_what_is_no_manifest_is_refused_in_words(at: Documents, content: Any, reason: str) -> None:
    assert reason in at.line.refused("documents", "add", "shop", at.file(content))
    assert at.texts() == {}


def test_apollo_may_be_told_to_give_ids_of_ones_own(at: Documents) -> None:
    """Such as MD5, or what looks like it: its format says only what 64 digits are."""
    manifest = apollo(operations=[{"id": "0" * 32, "body": PARTY}])
    assert at.told("add", "shop", at.file(manifest))["added"] == ["0" * 32]


def test_refusals_name_what_is_wrong(at: Documents, tmp_path: Path) -> None:
    for arguments, said in (
        (("add", "nobody", at.file({})), "there is no application nobody"),
        (("add", "shop", "/nowhere"), "/nowhere cannot be read: No such file"),
        (("add", "shop", str(tmp_path)), "cannot be read: Is a directory"),
        (("list", "nobody"), "there is no application nobody"),
        (("show", "nobody", "a"), "there is no application nobody"),
        (("show", "shop", "a"), "the application shop has no document a"),
        (("remove", "shop", "a"), "the application shop has no document a"),
        (("remove", "shop"), "name the documents"),
        (("remove", "shop", "a", "--all"), "name the documents"),
    ):
        assert said in at.line.refused("documents", *arguments)


def test_documents_are_removed_by_id_or_all_at_once(at: Documents) -> None:
    """All that are named, or none."""
    at.documents("add", "shop", at.file({"one": PARTY, "two": CLIENTS, "three": "{ caller { purpose } }"}))
    assert "no document four" in at.line.refused("documents", "remove", "shop", "one", "four")
    assert len(at.texts()) == 3
    assert at.told("remove", "shop", "one")["removed"] == ["one"]
    assert at.texts().keys() == {"two", "three"}
    assert sorted(at.told("remove", "shop", "--all")["removed"]) == ["three", "two"]
    assert at.texts() == {}
    assert at.told("remove", "shop", "--all")["removed"] == []


def test_each_change_is_in_the_audit_trail(at: Documents) -> None:
    """And what changes nothing is not."""
    manifest = at.file({"one": PARTY, "two": CLIENTS})
    for _ in range(2):
        at.documents("add", "shop", manifest)
    at.documents("remove", "shop", "two")
    assert [entry[1:] for entry in at.audited()[2:]] == [
        ("documents add", "shop", {"documents": ["one", "two"]}),
        ("documents remove", "shop", {"documents": ["two"]}),
    ]


def test_an_application_may_have_so_many(at: Documents, monkeypatch: pytest.MonkeyPatch) -> None:
    """For each worker has them all in memory. (The bound is lowered here.)"""
    monkeypatch.setattr(registration, "MAX_DOCUMENTS", 2)
    at.documents("add", "shop", at.file({"one": PARTY}))
    three = {"one": PARTY, "two": CLIENTS, "three": CLIENTS}
    assert "may have 2 documents" in at.line.refused("documents", "add", "shop", at.file(three))
    monkeypatch.setattr(registration, "MAX_CHARACTERS", 30)
    assert "of 30 characters" in at.line.refused("documents", "add", "shop", at.file({"two": CLIENTS}))
    assert at.texts() == {"one": PARTY}


@pytest.mark.parametrize("name", ["add", "list", "show", "remove"])
def test_each_command_has_its_help_with_an_example(line: Line, name: str) -> None:
    code, output, errors = line.run("documents", name, "--help", COLUMNS="200")
    assert (code, errors) == (0, "")
    assert f"gateway documents {name}" in output.split("Usage:")[1].partition("\n")[2]
    assert not line.state.exists()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-10, 10) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["format", "version", "operations", "id", "body"]) | st.text(max_size=5),
            inner | st.sampled_from(["apollo-persisted-query-manifest", 1]),
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(content=JSON.map(json.dumps).map(str.encode) | st.binary(max_size=40))
@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_a_file_holds_it_is_read_or_refused(tmp_path: Path, content: bytes) -> None:
    """Never an exception that the operator cannot make sense of."""
    file = tmp_path / "manifest"
    file.write_bytes(content)
    with contextlib.suppress(SettingsError):
        assert all(isinstance(each, Listed) for each in read_manifest(file))
