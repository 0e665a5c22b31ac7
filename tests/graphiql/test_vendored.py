"""What the page uses of other people's software: it is as it was built, can be built again, and has its licences."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import gateway.graphiql

HERE = Path(gateway.graphiql.__file__).parent
BUILD, STATIC = HERE / "build", HERE / "static"
VENDOR = STATIC / "vendor"
MADE = json.loads((STATIC / "vendored.json").read_text())
LICENCES = (STATIC / "LICENSES.txt").read_text()


def digests(folder: Path) -> dict[str, str]:
    """The SHA-256 of each file of a folder."""
    return {each.name: hashlib.sha256(each.read_bytes()).hexdigest() for each in sorted(folder.iterdir())}


def test_every_vendored_file_is_as_it_was_built() -> None:
    """Nothing is missing, nothing was added, and nobody changed one by hand."""
    assert digests(VENDOR) == MADE["files"]


def test_built_anew_it_is_the_same(tmp_path: Path) -> None:
    """From the packages that the lock file names, wherever they are installed."""
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    if not (BUILD / "node_modules").is_dir():
        pytest.skip("GraphiQL's packages are not installed; `make test` does it where npm is there")
    subprocess.run(["node", BUILD / "build.mjs", tmp_path], check=True, timeout=120)
    assert digests(tmp_path / "vendor") == MADE["files"]
    assert (tmp_path / "LICENSES.txt").read_text() == LICENCES
    assert json.loads((tmp_path / "vendored.json").read_text()) == MADE


def test_every_package_in_it_has_its_licence() -> None:
    """Under a line with its name and version, or of several that share it."""
    headings = re.findall(r"^={100}\n((?:.+\n)+?)={100}\n\n(.+)", LICENCES, re.MULTILINE)
    covered = {name: text for names, text in headings for name in names.splitlines()}
    assert sorted(covered) == sorted(MADE["packages"])
    assert all(covered.values())


def test_the_packages_are_those_of_the_lock_file() -> None:
    """Each with a hash, and none with the address of a registry."""
    locked = json.loads((BUILD / "package-lock.json").read_text())["packages"]
    found = {
        f"{path.rpartition('node_modules/')[2]} {about['version']}" for path, about in locked.items() if path
    }
    assert set(MADE["packages"]) <= found
    assert all("integrity" in about and "resolved" not in about for path, about in locked.items() if path)
    assert "http" not in (BUILD / "package.json").read_text()


def test_it_is_graphiql_5_with_react_19() -> None:
    names = dict(each.rsplit(" ", 1) for each in MADE["packages"])
    assert names["graphiql"].startswith("5.")
    assert names["react"] == names["react-dom"]
    assert names["react"].startswith("19.")


def test_no_style_names_a_file_that_is_not_there() -> None:
    """Nor one of another host."""
    style = (VENDOR / "graphiql.css").read_text()
    named = set(re.findall(r"url\(\s*[\"']?([^\"')]+)", style))
    elsewhere = {each for each in named if not each.startswith(("data:", "#"))}
    assert {each.removeprefix("./") for each in elsewhere} <= MADE["files"].keys()
    assert len(elsewhere) >= 7
    assert "@import" not in style


def test_it_stays_small() -> None:
    """Two languages of the editor's eighty, and no source map."""
    files = list(VENDOR.iterdir())
    assert sum(each.stat().st_size for each in files) < 7_500_000
    assert not [each for each in files if each.suffix == ".map"]
    assert not [each for each in files if each.suffix == ".js" and "sourceMappingURL" in each.read_text()]
