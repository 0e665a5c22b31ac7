"""GS1's schema of EPCIS 2.0 documents, formats included."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator

_SCHEMA = json.loads(Path(__file__).with_name("EPCISDocument.schema.json").read_text(encoding="utf-8"))
_FORMATS = Draft7Validator.FORMAT_CHECKER
_VALIDATOR = Draft7Validator(_SCHEMA, format_checker=_FORMATS)


def faults(document: Any) -> list[str]:
    """What of a document is not as the schema has it, each with its place."""
    return [f"{each.json_path}: {each.message}" for each in _VALIDATOR.iter_errors(document)]
