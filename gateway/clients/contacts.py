"""Contacts: e-mail addresses, phone numbers and names in the one form in which two copies can be compared.

E-mail and phone follow UID2's rules (github.com/IABTechLab/uid2docs, "Normalization and Encoding"). A partner may hand
over hashes of contacts instead, which meet the hashes of others' contacts. They are personal data all the same.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable

import phonenumbers

NORMALISER = 1
"""Goes up whenever a rule below changes, so that tokens made under different rules never meet."""

_HASH = re.compile(r"sha256:[0-9a-f]{64}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_LETTERS = "абвгдежзиклмнопрстуфхцчшщъыьэюяіґє"
_LATIN = "a b v g d e zh z i k l m n o p r s t u f h ts ch sh sh - i - e iu ia i g e"
_TABLE = {ord(letter): latin.strip("-") for letter, latin in zip(_LETTERS, _LATIN.split(), strict=True)}
_VARIANTS = (
    ("shch", "sh"),
    ("sch", "sh"),
    ("ch", "q"),
    ("ck", "k"),
    ("c", "k"),
    ("kh", "h"),
    ("tz", "ts"),
    ("x", "ks"),
    ("ph", "f"),
    ("w", "v"),
    ("y", "i"),
    ("j", "i"),
    ("io", "e"),
    ("ie", "e"),
)
_REPEATED = re.compile(r"(.)\1+")


def normal_email(text: str | None) -> str | None:
    """Trimmed and lower-case; at gmail.com without dots and `+tag`. None where it is no address."""
    email = (text or "").strip().lower()
    if not _EMAIL.fullmatch(email):
        return None
    local, _, domain = email.partition("@")
    if domain == "gmail.com":
        local = local.partition("+")[0].replace(".", "")
    return f"{local}@{domain}" if local else None


def normal_phone(text: str | None, region: str = "RU") -> str | None:
    """E.164; a number without country code is of `region` (ISO 3166). None where no such number can exist."""
    try:
        number = phonenumbers.parse(text or "", region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def hashed_email(text: str | None) -> str | None:
    """`sha256:` and the SHA-256 of the normal form in hex; what is one already stays. None where it is no address."""
    return _hashed(text, normal_email)


def hashed_phone(text: str | None) -> str | None:
    """The same of a phone number."""
    return _hashed(text, normal_phone)


def _hashed(text: str | None, normal: Callable[[str | None], str | None]) -> str | None:
    if text and _HASH.fullmatch(text):
        return text
    form = normal(text)
    return f"sha256:{hashlib.sha256(form.encode()).hexdigest()}" if form else None


def name_key(text: str | None) -> str | None:
    """A name so that its Cyrillic and Latin spellings agree: folded parts, sorted. None where none is left.

    Coarse on purpose: it confirms what a phone number suggests and never stands alone.
    """
    words = "".join(c if c.isalpha() else " " for c in _plain(text or "") if not _silent(c)).split()
    return " ".join(sorted(filter(None, map(_folded, words)))) or None


def _plain(text: str) -> str:
    # Decomposed, й and ё are и and е under marks: the letters that most Latin spellings stand for.
    return unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())


def _silent(character: str) -> bool:
    return character in "'’ʹ`" or unicodedata.combining(character) > 0


def _folded(word: str) -> str:
    latin, before = word.translate(_TABLE), ""
    while latin != before:
        before = latin
        for variant, one in _VARIANTS:
            latin = latin.replace(variant, one)
        latin = _REPEATED.sub(r"\1", latin)
    return latin
