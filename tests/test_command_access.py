"""`gateway access`: every change of who may see what shows, in words, and a widening fails a check."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from gateway.__main__ import app, main
from gateway.errors import SettingsError
from gateway.schema import declared_schema
from tests.views.printing import HERE, printed_rules

ROOT = Path(__file__).parent.parent
SDL = declared_schema().sdl
AGREEMENTS = (ROOT / "gateway" / "access" / "agreements.toml").read_text(encoding="utf-8")
RULES = (HERE / "rows.txt").read_text(encoding="utf-8")


def diff(*arguments: object) -> Result:
    """What the command says."""
    return CliRunner().invoke(app, ["access", "diff", *map(str, arguments)])


def pair(folder: Path, suffix: str, old: str, new: str) -> tuple[Path, Path]:
    """Two files of one kind."""
    paths = folder / f"old{suffix}", folder / f"new{suffix}"
    for path, text in zip(paths, (old, new), strict=True):
        path.write_text(text, encoding="utf-8")
    return paths


def swapped(text: str, old: str, new: str) -> str:
    """A text with a change, which there must be."""
    assert old in text
    return text.replace(old, new)


WEAKER = swapped(
    SDL,
    'type ClientProfile @requiresScopes(scopes: [["clients:pii"]])',
    'type ClientProfile @requiresScopes(scopes: [["clients:read"]])',
)


def test_a_weaker_lock_is_a_widening(tmp_path: Path) -> None:
    """Wherever it stands, it is told of every field that it opens, and for whom."""
    done = diff(*pair(tmp_path, ".graphql", SDL, WEAKER))
    assert done.exit_code == 1
    assert done.stdout == (
        "Wider:\n"
        "  Client.profile: anyone with clients:read may ask for it; needed clients:pii and clients:read before\n"
        "  ClientProfile.{email, name, phone}: anyone with clients:read may ask for it; "
        "needed clients:pii and clients:read before\n"
    )


def test_a_stronger_lock_is_a_narrowing(tmp_path: Path) -> None:
    """And no reason to fail."""
    done = diff(*pair(tmp_path, ".graphql", WEAKER, SDL))
    assert done.exit_code == 0
    assert done.stdout.startswith("Narrower:\n  Client.profile: needs clients:pii and clients:read;")


def _with_field(sdl: str, kind: str, field: str) -> str:
    """A schema of which one type has one field more."""
    found, count = re.subn(rf"(type {kind} [^{{]*{{\n)", rf"\1  {field}\n", sdl)
    assert count == 1
    return found


def test_a_field_that_is_new_is_a_widening_for_who_may_ask_for_it(tmp_path: Path) -> None:
    """Also by party, with what the agreements give each."""
    extra = 'type Extra @requiresScopes(scopes: [["mailru:segments"]]) { a: Int }'
    paths = pair(tmp_path, ".graphql", SDL, _with_field(f"{SDL}\n{extra}\n", "Segment", "extra: Extra"))
    found = json.loads(diff(*paths, "--json").stdout)
    assert [each["what"] for each in found["widenings"]] == ["Extra.a", "Segment.extra"]
    assert found["widenings"][1]["before"] is None
    assert found["widenings"][1]["after"] == [["clients:read", "mailru:read", "mailru:segments"]]
    assert {each["what"] for each in found["parties"]["widenings"]} == {"ALIBABA", "MAILRU"}
    gone = diff(*reversed(paths))
    assert gone.exit_code == 0
    assert "Segment.extra: gone; anyone with" in gone.stdout


def test_what_others_imply_changes_nothing(tmp_path: Path) -> None:
    """A lock on a field that is reached with no less."""
    new = re.sub(r"(memberSince: DateTime)", r'\1 @requiresScopes(scopes: [["clients:read"]])', SDL)
    assert new != SDL
    done = diff(*pair(tmp_path, ".graphql", SDL, new))
    assert (done.exit_code, done.stdout) == (0, "No difference in who may see what.\n")


def test_an_agreement_more_is_a_widening(tmp_path: Path) -> None:
    """What it lets a party read is said, and what it lets it ask for."""
    part = 'recipient = "RDIF"\nowner = "MAILRU"\ndatasets = ["segments"]\npurposes = ["reporting"]'
    more = f"{AGREEMENTS}\n[[agreements]]\n{part}\n"
    done = diff(*pair(tmp_path, ".toml", AGREEMENTS, more))
    assert done.exit_code == 1
    assert "  RDIF: may now read MAILRU's segments for reporting\n" in done.stdout
    done = diff(*pair(tmp_path, ".toml", more, AGREEMENTS))
    assert done.exit_code == 0
    assert "  RDIF: may no longer read MAILRU's segments for reporting\n" in done.stdout


def test_a_rule_that_changed_is_for_a_person_to_look_at(tmp_path: Path) -> None:
    """One that shows rows of what nobody saw is wider for sure."""
    done = diff(*pair(tmp_path, ".txt", RULES, swapped(RULES, "consent = 0", "consent < 2")))
    assert done.exit_code == 1
    assert "Changed, and to be looked at:\n  accounts: its row rule changed\n" in done.stdout
    opened = f"{RULES}applications\n  Every row is seen.\n"
    assert (
        "Wider:\n  applications: callers may now see rows of it\n"
        in diff(*pair(tmp_path, ".txt", RULES, opened)).stdout
    )
    assert diff(*pair(tmp_path, ".txt", opened, RULES)).exit_code == 0


def test_folders_are_compared_whole(tmp_path: Path) -> None:
    """A checkout of this repository with another, or with what was put side by side."""
    (tmp_path / "schema.graphql").write_text(SDL, encoding="utf-8")
    shutil.copy(ROOT / "gateway" / "access" / "agreements.toml", tmp_path)
    shutil.copy(HERE / "rows.txt", tmp_path)
    done = diff(tmp_path, ROOT)
    assert (done.exit_code, done.stdout) == (0, "No difference in who may see what.\n")
    (tmp_path / "schema.graphql").write_text(WEAKER, encoding="utf-8")
    assert diff(ROOT, tmp_path).exit_code == 1


def test_views_of_one_party_are_compared_as_schemas(tmp_path: Path) -> None:
    """So that a review of `tests/views/` has words."""
    view = (HERE / "rdif.graphql").read_text(encoding="utf-8")
    done = diff(*pair(tmp_path, ".graphql", view, _with_field(view, "FundPosition", "votes: Int")))
    assert "  FundPosition.votes: new; anyone with fund:reports may ask for it\n" in done.stdout


@pytest.mark.parametrize(
    ("suffix", "text", "said"),
    [
        (
            ".graphql",
            swapped(SDL, "requiresScopes", "requires"),
            "@requires is not known; it could be a lock",
        ),
        (
            ".graphql",
            f"{SDL}\ndirective @policy on OBJECT\ntype A @policy {{ a: Int }}",
            "@policy is not known",
        ),
        (".graphql", f"{SDL}\nextend type Client {{ a: Int }}", "object type extension"),
        (".graphql", f'{SDL}\nenum E @requiresScopes(scopes: [["a"]]) {{ A }}', "requiresScopes"),
        (".graphql", f"{SDL}\ntype A @requiresScopes(scopes: []) {{ a: Int }}", "a list of lists of scopes"),
        (".graphql", f'{SDL}\ntype A @requiresScopes(scopes: "a") {{ a: Int }}', "a list of lists of scopes"),
        (".graphql", "type Query {", "it is no schema"),
        (".graphql", "type Query { a: Nothing }", "it is no schema"),
        (".toml", "parties = 1", "new.toml"),
        (".toml", "agreements = [1]\n[parties]\n[purposes]\n", "it is no contract"),
        (".txt", "  rules of nothing", "it is no print of row rules"),
        (".csv", "", "is no folder, and no file that ends in"),
    ],
)
def test_what_is_not_understood_is_not_passed_over(
    tmp_path: Path,
    suffix: str,
    text: str,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One line says why, and the command fails in another way than for a widening."""
    old = {".toml": AGREEMENTS, ".txt": RULES}.get(suffix, SDL)
    monkeypatch.setattr(
        "sys.argv", ["gateway", "access", "diff", *map(str, pair(tmp_path, suffix, old, text))]
    )
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    found = capsys.readouterr()
    assert found.out == ""
    assert said in found.err
    assert found.err.count("\n") == 1


@pytest.mark.parametrize("other", ["a.toml", "empty", "nothing.graphql"])
def test_two_kinds_are_not_compared(tmp_path: Path, other: str) -> None:
    """A schema with agreements, with a folder that is empty, or with a file that is not there."""
    (tmp_path / "a.toml").write_text(AGREEMENTS, encoding="utf-8")
    (tmp_path / "a.graphql").write_text(SDL, encoding="utf-8")
    (tmp_path / "empty").mkdir()
    assert isinstance(diff(tmp_path / "a.graphql", tmp_path / other).exception, SettingsError)


def test_the_row_rules_are_what_was_reviewed() -> None:
    """Every table that callers read, byte for byte, so that a change of its rule is seen in review."""
    [(path, text)] = printed_rules().items()
    assert path.read_text(encoding="utf-8") == text, "a row rule changed: look at it, then run `make schema`"


def test_the_row_rules_are_there_as_json() -> None:
    """Each with its SQL, of which the words are made."""
    rows = json.loads(CliRunner().invoke(app, ["access", "rules", "--json", "--all"]).stdout)
    by_name = {each["table"]: each for each in rows}
    assert "this.party IN" in by_name["orders"]["sql"]
    assert by_name["users"]["words"] == "No row is for callers."
