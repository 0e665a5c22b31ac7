"""Trust in outside issuers, as the operator writes it: what is read, and the one line for what cannot be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.errors import SettingsError
from gateway.settings import load
from gateway.trust import Source, Trust, secure

TABLE: dict[str, str] = {
    "name": '"ali"',
    "issuer": '"https://id.example/realm"',
    "algorithms": '["ES256"]',
    "party": '"ALIBABA"',
    "purpose": '{ claim = "aim", values = { a = "analytics" } }',
    "scopes": '["clients:read"]',
}


def written(folder: Path, *tables: dict[str, str]) -> dict[str, str]:
    """The environment of a gateway with these issuers."""
    lines: list[str] = []
    for table in tables:
        lines += ["[[issuers]]", *(f"{name} = {value}" for name, value in table.items())]
    (folder / "settings.toml").write_text("\n".join(lines))
    return {"GATEWAY_STATE": str(folder)}


def refused(environ: dict[str, str]) -> str:
    """Why, in one line that names the file."""
    with pytest.raises(SettingsError) as caught:
        load(environ)
    assert str(caught.value).startswith(f"{environ['GATEWAY_STATE']}/settings.toml: ")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_an_issuer_is_read(tmp_path: Path) -> None:
    """With what is not said as it is for most."""
    [found] = load(written(tmp_path, TABLE)).issuers
    assert found == Trust(
        "ali",
        "https://id.example/realm",
        ("ES256",),
        Source("ALIBABA"),
        Source(claim=("aim",), values={"a": "analytics"}),
        ("clients:read",),
    )
    assert (found.type, found.leeway, found.audience, found.jwks_uri) == ("at+jwt", 10, None, None)
    assert (found.scope, found.application) == (Source(claim=("scope",)), Source(claim=("client_id",)))


@pytest.mark.parametrize("name", sorted(TABLE))
def test_what_must_be_said_is_asked_for(tmp_path: Path, name: str) -> None:
    table = {key: value for key, value in TABLE.items() if key != name}
    assert refused(written(tmp_path, TABLE, table)).endswith(f"[[issuers]] 2 lacks {name}")


WRONG: list[tuple[str, str]] = [
    *(("name", value) for value in ('""', '"A"', '"a b"', '"a:b"', f'"{"a" * 33}"', "1", "[]")),
    *(
        ("issuer", value)
        for value in ('"http://id.example"', '"id.example"', '"https://"', '"https://[x"', "1", '""')
    ),
    *(
        ("issuer", value)
        for value in ('"https://u@id.example"', '"https://id.example/#x"', '"https://id.example/ x"')
    ),
    *(("algorithms", value) for value in ('"ES256"', "[]", "[1]", '[""]')),
    *(
        ("party", value)
        for value in ('""', "1", "[]", "{}", '{ claim = "org" }', '{ claim = "org", values = {} }')
    ),
    *(
        ("purpose", value)
        for value in ('{ claim = "a", values = { b = 1 } }', '{ values = { a = "b" } }', "true")
    ),
    *(("scopes", value) for value in ('"a"', "[]", "[[]]")),
    *(
        ("scope", value)
        for value in ('"clients:read"', '{ claim = "" }', "{ claim = [] }", '{ claim = "a", x = 1 }')
    ),
    *(("application", value) for value in ('""', "{ claim = 1 }")),
    *(("audience", value) for value in ('""', "[]")),
    *(("jwks_uri", value) for value in ('"http://id.example/keys"', '"/keys"', "1")),
    *(("type", value) for value in ('"jwt"', '""', "[]")),
    *(("leeway", value) for value in ("-1", "61", "nan", "inf", '"1"', "true")),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_wrong_value_names_the_setting_and_says_what_it_must_be(
    tmp_path: Path, name: str, value: str
) -> None:
    assert f"[[issuers]] 1: {name} must be " in refused(written(tmp_path, {**TABLE, name: value}))


def test_what_is_not_known_is_named(tmp_path: Path) -> None:
    """A typing error must not leave a default in force."""
    assert refused(written(tmp_path, {**TABLE, "leway": "1"})).endswith("unknown settings: leway")


@pytest.mark.parametrize("name", ["name", "issuer"])
def test_no_two_are_the_same(tmp_path: Path, name: str) -> None:
    """Which of them a token is of could not be told."""
    other = {"name": '"b"', "issuer": '"https://other.example"'} | {name: TABLE[name]}
    assert refused(written(tmp_path, TABLE, {**TABLE, **other})).endswith(f"have the same {name}")


@pytest.mark.parametrize("text", ["issuers = 5", "[issuers]\nname = 1", "issuers = [1]"])
def test_something_else_in_their_place_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "settings.toml").write_text(text)
    assert "issuers must be tables" in refused({"GATEWAY_STATE": str(tmp_path)})


@pytest.mark.parametrize(
    ("address", "good"),
    [
        ("https://id.example", True),
        ("http://localhost:8080/realms/x", True),
        ("http://127.0.0.1:1/", True),
        ("http://[::1]:8080/", True),
        ("http://127.0.0.1.evil.example/", False),
        ("http://127.0.0.2/", False),
        ("ftp://localhost/", False),
        ("https:///x", False),
    ],
)
def test_keys_come_encrypted_or_from_this_machine(address: str, good: Any) -> None:
    assert secure(address) is good
