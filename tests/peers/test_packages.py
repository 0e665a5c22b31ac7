"""The peers for Node: the versions that were meant, from wherever packages come on this machine."""

from __future__ import annotations

import json
import re

from tests.peers.node import HERE

LOCK = json.loads((HERE / "package-lock.json").read_text(encoding="utf-8"))
PACKAGE = json.loads((HERE / "package.json").read_text(encoding="utf-8"))


def test_each_peer_is_of_one_version() -> None:
    """A new version is a decision, and not what was there that day."""
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in PACKAGE["dependencies"].values())
    assert LOCK["packages"][""]["dependencies"] == PACKAGE["dependencies"]


def test_each_package_is_known_by_its_hash_and_not_by_where_it_came_from() -> None:
    packages = [about for path, about in LOCK["packages"].items() if path]
    assert packages
    assert all(about["integrity"].startswith("sha512-") for about in packages)
    assert not [about for about in packages if "resolved" in about]
