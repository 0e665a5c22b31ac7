"""Pairwise pseudonyms: each party knows a client by an id of its own, so that exports cannot be joined by id.

An id is the client's internal key, encrypted as one AES block under a key that is derived for the party (the idea of
OpenID Connect Core 8.1, made reversible so that no table is needed). Eight zero bytes in the block make a forged or
foreign id recognisable: one in 2^64 would pass.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.secrets import secret

_BLOCK = 16
_CHECK = bytes(8)


class Pseudonyms:
    """Internal client keys to a party's ids and back; keys are integers from 0 to 2^63 - 1."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._ciphers: dict[str, Cipher[ECB]] = {}

    def hide(self, party: str, keys: Sequence[int]) -> list[str]:
        """The party's ids of these clients, in order; the whole level in one pass of the cipher."""
        encryptor = self._cipher(party).encryptor()
        blocks = encryptor.update(b"".join(_CHECK + key.to_bytes(8, "big") for key in keys))
        return [_text(blocks[start : start + _BLOCK]) for start in range(0, len(blocks), _BLOCK)]

    def reveal(self, party: str, text: str) -> int | None:
        """The client a party's id means, or None for a text that is no id of this party."""
        try:
            block = base64.urlsafe_b64decode(text + "==")
        except ValueError:
            return None
        if len(block) != _BLOCK or _text(block) != text:
            return None
        plain = self._cipher(party).decryptor().update(block)
        return int.from_bytes(plain[8:], "big") if plain[:8] == _CHECK else None

    def _cipher(self, party: str) -> Cipher[ECB]:
        if party not in self._ciphers:
            info = f"client ids of {party}".encode()
            key = HKDF(SHA256(), length=32, salt=None, info=info).derive(self._secret)
            # Each block is one id and ids are to be equal when clients are: that is what ECB does.
            self._ciphers[party] = Cipher(AES(key), ECB())  # noqa: S305
        return self._ciphers[party]


def _text(block: bytes) -> str:
    return base64.urlsafe_b64encode(block).decode().rstrip("=")


def pseudonyms(state: Path) -> Pseudonyms:
    """The venture's pseudonyms, under the secret kept in the state folder; made at the first call."""
    return Pseudonyms(secret(state / "pseudonyms.key"))
