"""Spellings: how partners write the same name, e-mail address and phone number, and what goes wrong in it."""

from __future__ import annotations

from collections.abc import Mapping

from mimesis.random import Random

_CYRILLIC = "абвгдезиклмнопрстуфцыэ"
_LATIN = (*"abvgdeziklmnoprstuf", "ts", "y", "e")
_SHARED = dict(zip(_CYRILLIC, _LATIN, strict=True)) | {"ж": "zh", "ч": "ch", "ш": "sh", "щ": "shch", "ь": ""}

PASSPORT: Mapping[str, str] = _SHARED | {"ё": "e", "й": "i", "х": "kh", "ъ": "ie", "ю": "iu", "я": "ia"}
"""As in a Russian passport: ICAO 9303, part 3, section 6."""

EVERYDAY: Mapping[str, str] = _SHARED | {"ё": "yo", "й": "y", "х": "h", "ъ": "", "ю": "yu", "я": "ya"}
"""As most people spell themselves."""


def romanized(text: str, table: Mapping[str, str]) -> str:
    """Cyrillic in Latin letters, capitals kept."""
    return "".join(
        table.get(letter, letter) if letter.islower() else _capital(letter, table) for letter in text
    )


def _capital(letter: str, table: Mapping[str, str]) -> str:
    return table.get(letter.lower(), letter).capitalize()


def latin(name: str, random: Random) -> str:
    """In Latin letters, by one of the usual tables; now and then all capitals, or the family name first."""
    passport = random.random() < 0.5
    written = romanized(name, PASSPORT) if passport else romanized(name, EVERYDAY).replace("ks", "x")
    return _arranged(written.upper() if random.random() < 0.1 else written, random)


def cyrillic(name: str, random: Random) -> str:
    """In Cyrillic, often without the dots of ё."""
    return _arranged(name.replace("ё", "е") if random.random() < 0.7 else name, random)


def _arranged(name: str, random: Random) -> str:
    return " ".join(name.split()[::-1]) if random.random() < 0.2 else name


def international(phone: str, random: Random) -> str:
    """`+7 916 123-45-67`."""
    return f"+7 {phone[2:5]} {phone[5:8]}-{phone[8:10]}-{phone[10:]}"


def national(phone: str, random: Random) -> str:
    """`8 (916) 123-45-67`."""
    return f"8 ({phone[2:5]}) {phone[5:8]}-{phone[8:10]}-{phone[10:]}"


def lower_case(email: str, random: Random) -> str:
    """As a form that lowers all letters keeps it."""
    return email.lower()


def as_typed(email: str, random: Random) -> str:
    """As typed: capitals anywhere; at gmail.com, where they count for nothing, dots and a tag."""
    local, _, domain = email.partition("@")
    if domain == "gmail.com":
        place = random.randrange(1, len(local))
        local = f"{local[:place]}.{local[place:]}" + ("+shop" if random.random() < 0.1 else "")
    if random.random() < 0.3:
        return f"{local}@{domain}".upper()
    return f"{local.title()}@{domain.capitalize()}"


def misspelt(text: str, random: Random) -> str:
    """With one slip among its letters: a letter left out, doubled, or swapped with the next."""
    place = random.randrange(1, len(text) - 1)
    before, letter, after = text[:place], text[place], text[place + 1 :]
    return random.choice(
        (before + after, before + letter + letter + after, before + after[0] + letter + after[1:])
    )


def misdialled(phone: str, random: Random) -> str:
    """With one of the last seven digits wrong."""
    place = random.randrange(len(phone) - 7, len(phone))
    return phone[:place] + str((int(phone[place]) + random.randrange(1, 10)) % 10) + phone[place + 1 :]
