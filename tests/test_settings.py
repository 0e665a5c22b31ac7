"""Settings: what the file says, what the environment overrides, and the one line for whatever cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import SettingsError
from gateway.settings import Settings, load

FILE = """
origin = "https://gateway.example"
unauthorized = "reject"
deadline = 2.5
max_body = 5000
drain = 0
metrics = "[::1]:9"
trace_context = ["callers"]

[connectors.alibaba]
url = "http://127.0.0.1:9"
app_key = "1"
"""


def written(folder: Path, text: str | bytes) -> dict[str, str]:
    """The environment of a gateway whose state folder has this settings file."""
    (folder / "settings.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
    return {"GATEWAY_STATE": str(folder)}


def refused(environ: dict[str, str]) -> str:
    """Why these settings cannot be used, in one line."""
    with pytest.raises(SettingsError) as caught:
        load(environ)
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is None
    return str(caught.value)


def test_nothing_has_to_be_set(tmp_path: Path) -> None:
    """Without a file and without variables everything has its default."""
    assert load({}) == Settings()
    assert load({"GATEWAY_STATE": str(tmp_path / "none")}) == Settings(state=tmp_path / "none")
    assert load({"GATEWAY_STATE": ""}) == Settings()


def test_the_file_is_read(tmp_path: Path) -> None:
    """Values keep their types; what is not there keeps its default."""
    found = load(written(tmp_path, FILE))
    assert (found.origin, found.unauthorized) == ("https://gateway.example", "reject")
    assert (found.deadline, found.max_body, found.max_depth) == (2.5, 5000, Settings().max_depth)
    assert (found.drain, found.metrics, found.trace_context) == (0, ("::1", 9), ("callers",))
    assert found.connectors == {"alibaba": {"url": "http://127.0.0.1:9", "app_key": "1"}}
    assert (found.database, found.issuer) == (tmp_path / "gateway.db", "https://gateway.example/oauth")
    assert found.audience == "https://gateway.example/graphql"


def test_a_variable_overrides_the_file(tmp_path: Path) -> None:
    """One by one, and also what the file gets wrong elsewhere stays the file's."""
    environ = written(tmp_path, FILE) | {
        "GATEWAY_ORIGIN": "http://localhost:1",
        "GATEWAY_DEADLINE": "7",
        "GATEWAY_MAX_BODY": "100",
        "GATEWAY_UNAUTHORIZED": "filter",
    }
    found = load(environ)
    assert (found.origin, found.deadline, found.max_body) == ("http://localhost:1", 7.0, 100)
    assert found.unauthorized == "filter"
    assert found.connectors["alibaba"]["app_key"] == "1"


def test_variables_of_others_are_none_of_ours(tmp_path: Path) -> None:
    """An orchestrator names variables after a service called `gateway`; they do no harm."""
    assert load({"GATEWAY_PORT": "tcp://10.0.0.1:80", "GATEWAY_SERVICE_HOST": "10.0.0.1"}) == Settings()


WRONG = [
    ("origin", '""', ""),
    ("origin", "5", None),
    ("unauthorized", '"maybe"', "maybe"),
    ("unauthorized", "[]", None),
    ("deadline", '"soon"', "soon"),
    ("deadline", "0", "0"),
    ("deadline", "-1.5", "-1.5"),
    ("deadline", "nan", "nan"),
    ("deadline", "inf", "inf"),
    ("deadline", "true", None),
    ("max_body", "1.5", "1.5"),
    ("max_body", '"much"', "much"),
    ("max_depth", "0", "0"),
    ("max_tokens", "-4", "-4"),
    ("max_cost", "0", "0"),
    ("max_tokens", "[1]", None),
    ("readers", "0", "0"),
    ("readers", "1979-05-27", None),
    ("readers", "{}", None),
    ("drain", "-1", "-1"),
    ("drain", "false", None),
    ("metrics", '"9464"', "9464"),
    ("metrics", '"127.0.0.1:70000"', "127.0.0.1:70000"),
    ("metrics", "9464", None),
    ("trace_context", "[1]", None),
]


@pytest.mark.parametrize(("name", "value", "_"), WRONG)
def test_a_wrong_value_in_the_file_names_the_setting_and_the_file(
    tmp_path: Path, name: str, value: str, _: str | None
) -> None:
    """One line says which setting, where it stands, and what it must be."""
    said = refused(written(tmp_path, f"{name} = {value}"))
    assert said.startswith(f"{name} in {tmp_path / 'settings.toml'} must be ")


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, _, text in WRONG if text is not None])
def test_a_wrong_value_in_a_variable_names_the_variable(name: str, text: str) -> None:
    """The same for the environment."""
    assert refused({f"GATEWAY_{name.upper()}": text}).startswith(f"{name} in GATEWAY_{name.upper()} must be ")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("deadlin = 5\nreader = 1", "unknown settings in {file}: deadlin, reader"),
        ("deadline = ", "{file} cannot be read: "),
        (b'origin = "\xff"', "{file} cannot be read: "),
        ("connectors = 5", "{file}: connectors must be tables"),
        ("[connectors]\nalibaba = 5", "{file}: connectors.alibaba must be a table"),
        ("[connectors.alibaba]\nurl = 5", "{file}: url in [connectors.alibaba] must be a text"),
        ("[connectors.alibaba.url]", "{file}: url in [connectors.alibaba] must be a text"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, text: str | bytes, reason: str) -> None:
    """Whatever is wrong with it, one line names the file, and a typing error in a name does not pass silently."""
    assert refused(written(tmp_path, text)).startswith(reason.format(file=tmp_path / "settings.toml"))


def test_a_secret_is_not_shown_when_its_line_is_broken(tmp_path: Path) -> None:
    """The file holds partners' keys: an error tells the place in it, not the text."""
    said = refused(written(tmp_path, '[connectors.alibaba]\napp_secret = "canary-1"\ntoken = canary-2\n'))
    assert "line 3" in said
    assert "canary" not in said


@pytest.mark.parametrize("kind", ["folder", "no folder"])
def test_a_file_that_is_none_is_named(tmp_path: Path, kind: str) -> None:
    """A folder in its place, or a state folder that is a file, is said in one line too."""
    if kind == "folder":
        (tmp_path / "settings.toml").mkdir()
        assert "settings.toml cannot be read" in refused({"GATEWAY_STATE": str(tmp_path)})
    else:
        (tmp_path / "state").touch()
        assert "settings.toml cannot be read" in refused({"GATEWAY_STATE": str(tmp_path / "state")})


def test_what_a_partner_lacks_is_named_when_it_is_needed(tmp_path: Path) -> None:
    """A connector that looks for a setting that is not there gets a line for the operator, not a KeyError."""
    found = load(written(tmp_path, FILE))
    with pytest.raises(SettingsError, match=r"the settings lack app_secret in \[connectors.alibaba\]"):
        found.connectors["alibaba"]["app_secret"]
    assert found.connectors["alibaba"].get("rps") is None
