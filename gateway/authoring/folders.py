"""Folders: a new connector's, out of the template: real files, in which a name is put in another's place."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

from gateway.errors import SettingsError

TEMPLATE = Path(__file__).with_name("template")
SUFFIX = ".template"

_NAME = re.compile("[a-z][a-z0-9]{0,30}")


def write_folder(name: str, party: str, root: Path, owners: Collection[str]) -> list[Path]:
    """Write the folder `root/name` of a connector that brings `party`'s data; its files.

    Raises `SettingsError` for a name that cannot be one, a party that the agreements (`owners`) do not name, and a
    folder that is there already.
    """
    if not _NAME.fullmatch(name) or name == "example":
        raise SettingsError("a connector's name is small letters and digits, such as wallet; and not example")
    if party not in owners:
        raise SettingsError(
            f"{party} is not among the parties of gateway/access/agreements.toml: add it there, or name one of "
            f"{', '.join(owners)} by --party"
        )
    folder = root / name
    if folder.exists():
        raise SettingsError(f"{folder} is there already")
    written = []
    for source in sorted(TEMPLATE.rglob(f"*{SUFFIX}")):
        target = folder / renamed(str(source.relative_to(TEMPLATE)).removesuffix(SUFFIX), name, party)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(renamed(source.read_text(), name, party))
        written.append(target)
    return written


def renamed(text: str, name: str, party: str) -> str:
    """A text of the template as it is for this connector; `examples` is the name of a folder everywhere."""
    text = text.replace("EXAMPLE_PARTY", party)
    return re.sub(r"example(?!s\b)", name, text).replace("Example", name.capitalize())
