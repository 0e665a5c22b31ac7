"""Known advisories: no library is declared, locked or installed in a version that one of them names.

An audit asks a service on the network, which a mirror of the index does not offer; this holds anywhere.
"""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parent.parent

FIXED = {
    "authlib": (
        "1.9.1",
        "CVE-2024-37568 (HMAC by a public key), CVE-2025-59420 (crit), CVE-2025-61920 and 62706 (sizes), "
        "CVE-2026-28802 (alg none), CVE-2026-27962 (key from the header), CVE-2026-28498, 41425, 114619 and 116672",
    ),
    "joserfc": (
        "1.8.0",
        "CVE-2026-27932, CVE-2026-48990 (b64), CVE-2026-49852 (empty HMAC key), CVE-2026-62995",
    ),
    "graphql-core": ("3.3.2", "CVE-2026-75507 and 75508, and exponential work over shared fragments"),
    "strawberry-graphql": ("0.341.0", "CVE-2024-47082, CVE-2026-35523, 35526, 47706, 47707 and 107727"),
    "starlette": ("1.3.1", "CVE-2025-62727, CVE-2026-48710 (Host), CVE-2026-54283 (limits of forms)"),
    "cryptography": ("45", "wheels with an OpenSSL that is mended no more"),
}
"""The first version without the fault, and what it closed."""


def declared(name: str) -> Requirement:
    """The requirement in pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    [found] = [one for one in map(Requirement, project["dependencies"]) if one.name.lower() == name]
    return found


@pytest.mark.parametrize("name", FIXED)
def test_no_older_version_is_declared_good_enough(name: str) -> None:
    """Whoever installs without the lock gets one without the fault as well."""
    [floor] = [Version(each.version) for each in declared(name).specifier if each.operator == ">="]
    assert floor >= Version(FIXED[name][0]), FIXED[name][1]


@pytest.mark.parametrize("name", FIXED)
@pytest.mark.parametrize("file", ["requirements.txt", "requirements-test.txt"])
def test_no_older_version_is_locked(name: str, file: str) -> None:
    locked = re.findall(rf"^{name}==(\S+)", (ROOT / file).read_text(), re.MULTILINE)
    assert locked
    assert all(Version(each) >= Version(FIXED[name][0]) for each in locked), FIXED[name][1]


@pytest.mark.parametrize("name", FIXED)
def test_no_older_version_is_installed(name: str) -> None:
    """The one that runs is the one that counts."""
    assert Version(version(name)) >= Version(FIXED[name][0]), FIXED[name][1]
