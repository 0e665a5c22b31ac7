"""Signing keys: the key pairs of the token service, kept in the state folder, published as a JWK Set."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet

from gateway.errors import SettingsError

ALGORITHM = "ES256"

_CURRENT = "current"


class Keys:
    """The token service's key pairs by key id (RFC 7638 thumbprint): one signs, all verify and are published.

    Signing takes one key, never the set: from a set joserfc would pick at random, retired keys among them.
    """

    def __init__(self, current: ECKey, others: Sequence[ECKey] = ()) -> None:
        self.current = current
        self._all = {key.thumbprint(): key for key in (current, *others)}

    def find(self, kid: str) -> ECKey | None:
        """The key that verifies what was signed under `kid`, or None for an id that is not ours."""
        return self._all.get(kid)

    def public_set(self) -> dict[str, Any]:
        """The public halves as a JWK Set (RFC 7517), each with `kid`, `use` and `alg`."""
        return dict(KeySet(list(self._all.values())).as_dict(private=False))


def signing_keys(state: Path) -> Keys:
    """The keys in `<state>/signing-key.json`, made at the first call. Raises `SettingsError` if damaged."""
    path = state / "signing-key.json"
    if not path.exists():
        _make(path)
    try:
        entries = json.loads(path.read_bytes())["keys"]
        keys = [(entry["state"], ECKey.import_key(entry["jwk"])) for entry in entries]
        [current] = [key for state_, key in keys if state_ == _CURRENT]
    except (ValueError, TypeError, KeyError, JoseError):
        # The reason could quote the file, and the file is a secret.
        raise SettingsError(f"{path} does not hold signing keys, one of them current") from None
    return Keys(current, [key for _, key in keys if key is not current])


def _make(path: Path) -> None:
    """Write a first key. A link appears whole or not at all, and never replaces another worker's key."""
    path.parent.mkdir(parents=True, exist_ok=True)
    key = ECKey.generate_key("P-256", {"use": "sig", "alg": ALGORITHM}, auto_kid=True)
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=".signing-key.")
    try:
        with os.fdopen(descriptor, "w") as file:
            json.dump({"keys": [{"state": _CURRENT, "jwk": key.as_dict(private=True)}]}, file)
            file.flush()
            os.fsync(descriptor)
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        os.unlink(draft)
