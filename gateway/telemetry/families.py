"""Families of metrics: added up over processes, and kept in a file for those that end."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson
from prometheus_client import Metric
from prometheus_client.samples import Sample

from gateway.errors import SettingsError


def added(families: Iterable[Metric]) -> list[Metric]:
    """The families, those of one name as one: samples of the same labels are added."""
    found: dict[str, Metric] = {}
    values: dict[str, dict[tuple[str, tuple[tuple[str, str], ...]], float]] = {}
    for family in families:
        found.setdefault(family.name, Metric(family.name, family.documentation, family.type))
        known = values.setdefault(family.name, {})
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            known[key] = known.get(key, 0.0) + sample.value
    for name, samples in values.items():
        found[name].samples = [Sample(of, dict(labels), value) for (of, labels), value in samples.items()]
    return list(found.values())


def read(path: Path) -> list[Metric]:
    """The families in a file; none where there is no file, or one that cannot be read."""
    try:
        return [_family(each) for each in orjson.loads(path.read_bytes())]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def keep(path: Path, families: Iterable[Metric]) -> None:
    """Add the counts of families to those in a file. Raises `SettingsError` where it cannot be written."""
    counts = [each for each in families if each.type != "gauge" and each.samples]
    whole = [_plain(each) for each in added([*read(path), *counts])]
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = path.with_suffix(f".{os.getpid()}")
        part.write_bytes(orjson.dumps(whole))
        part.replace(path)
    except OSError as error:
        raise SettingsError(f"{path} cannot be written: {error.strerror}") from None


def _plain(family: Metric) -> dict[str, Any]:
    samples = [[each.name, each.labels, each.value] for each in family.samples]
    return {"name": family.name, "help": family.documentation, "type": family.type, "samples": samples}


def _family(plain: dict[str, Any]) -> Metric:
    family = Metric(plain["name"], plain["help"], plain["type"])
    family.samples = [Sample(name, labels, float(value)) for name, labels, value in plain["samples"]]
    return family
