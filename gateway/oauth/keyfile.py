"""The key file: the signing keys in the state folder, each in a state of its life, replaced as a whole under a lock."""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from gateway.errors import SettingsError

ALGORITHM = "ES256"


class State(Enum):
    """A key's life: published before it signs, signing, published after it has signed, forgotten."""

    NEXT = "next"
    CURRENT = "current"
    RETIRED = "retired"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key pair in one state since a moment; `due` is when it may go on to the next. Moments are epoch seconds.

    The current key has no `due`: it signs until another one does.
    """

    pair: ECKey = field(repr=False)
    state: State
    since: int
    due: int | None = None

    @property
    def kid(self) -> str:
        """Its id: the thumbprint of its public half (RFC 7638)."""
        return self.pair.thumbprint()

    def state_at(self, now: float) -> State:
        """Its state at a moment: a retired key whose time is over is gone, whether or not it was removed."""
        over = self.state is State.RETIRED and self.due is not None and self.due <= now
        return State.GONE if over else self.state


def fresh(state: State, now: int, due: int | None = None) -> SigningKey:
    """A new key pair."""
    return SigningKey(
        ECKey.generate_key("P-256", {"use": "sig", "alg": ALGORITHM}, auto_kid=True), state, now, due
    )


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold all others off who would change the file; the lock is its folder's, and ends with the process."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def read(path: Path) -> list[SigningKey]:
    """The keys in the file. Raises `SettingsError` where it is none, or not one of them is current."""
    try:
        found = [_key(entry) for entry in json.loads(path.read_bytes())["keys"]]
        [_] = [key for key in found if key.state is State.CURRENT]
    except (ValueError, TypeError, KeyError, JoseError):
        # The reason could quote the file, and the file is a secret.
        raise SettingsError(f"{path} does not hold signing keys, one of them current") from None
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from None
    return found


def _key(entry: dict[str, Any]) -> SigningKey:
    state, jwk = State(entry["state"]), entry["jwk"]
    pair = ECKey.import_key(jwk)
    if not pair.is_private or jwk["crv"] != "P-256":
        raise ValueError("a key that cannot sign")
    public = {name: value for name, value in jwk.items() if name in ("kty", "crv", "x", "y", "d")}
    named = ECKey.import_key(public, {"use": "sig", "alg": ALGORITHM, "kid": pair.thumbprint()})
    if state is State.CURRENT:
        return SigningKey(named, state, int(entry.get("since", 0)))
    return SigningKey(named, state, int(entry["since"]), int(entry["due"]))


def write(path: Path, keys: Sequence[SigningKey]) -> None:
    """Replace the file: whoever reads finds the old one or the new one, whole, also after a crash."""
    with drafted(path, keys):
        pass


@contextmanager
def drafted(path: Path, keys: Sequence[SigningKey]) -> Iterator[None]:
    """Replace the file at the end of the block, unless that raises; the new one is on the disk before it begins."""
    entries = [
        {"state": key.state.value, "since": key.since, "due": key.due, "jwk": key.pair.as_dict(private=True)}
        for key in keys
    ]
    # Readable by its owner only, as `mkstemp` makes all files.
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=".signing-key.")
    try:
        with os.fdopen(descriptor, "w") as file:
            json.dump({"keys": entries}, file)
            file.flush()
            os.fsync(descriptor)
        yield
        os.replace(draft, path)
    except BaseException:
        os.unlink(draft)
        raise
    _settle(path.parent)


def _settle(folder: Path) -> None:
    """Bring the folder's new list of names to the disk too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
