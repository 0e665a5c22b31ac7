"""People: who really stands behind the demo's accounts; made up, the same every time."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

from mimesis import Locale
from mimesis import Person as PersonProvider
from mimesis.enums import Gender
from mimesis.random import Random

from gateway.demo.spellings import EVERYDAY, romanized

SEED = 2017

_MAIL_DOMAINS = {
    "mail.ru": 36,
    "gmail.com": 26,
    "yandex.ru": 22,
    "bk.ru": 5,
    "inbox.ru": 4,
    "list.ru": 4,
    "rambler.ru": 3,
}
_MOBILE_CODES = (
    "903",
    "905",
    "906",
    "909",
    "910",
    "915",
    "916",
    "917",
    "921",
    "925",
    "926",
    "927",
    "950",
    "961",
    "985",
)


@dataclass(frozen=True, slots=True)
class Person:
    """A person as it is: `email` in canonical form, `phone` in E.164, `region` by ISO 3166-2."""

    number: int
    name: str
    email: str
    phone: str
    region: str
    birth_year: int


def people(numbers: Sequence[int]) -> dict[int, Person]:
    """A person for each number. No two share an address or a phone; names repeat as names do."""
    random = Random(SEED)
    names = PersonProvider(Locale.RU, seed=SEED)
    regions = tomllib.loads(files("gateway.demo").joinpath("regions.toml").read_text())
    taken: set[str] = set()
    found = {}
    for number in numbers:
        gender = random.choice((Gender.FEMALE, Gender.MALE))
        given, family = names.first_name(gender), names.last_name(gender)
        year = round(random.triangular(1942, 2001, 1983))
        email = _email(given, family, year, random, taken)
        [region] = random.choices(list(regions), list(regions.values()))
        found[number] = Person(number, f"{given} {family}", email, _free_phone(random, taken), region, year)
    return found


def new_phone(random: Random) -> str:
    """A Russian mobile number, E.164."""
    return f"+7{random.choice(_MOBILE_CODES)}{random.randrange(10**7):07}"


def _free_phone(random: Random, taken: set[str]) -> str:
    while (phone := new_phone(random)) in taken:
        pass
    taken.add(phone)
    return phone


def _email(given: str, family: str, year: int, random: Random, taken: set[str]) -> str:
    first, last = (romanized(part, EVERYDAY).lower() for part in (given, family))
    [domain] = random.choices(list(_MAIL_DOMAINS), list(_MAIL_DOMAINS.values()))
    local = random.choice(
        (f"{first}.{last}", f"{first[0]}.{last}", f"{last}{year % 100:02}", f"{first}_{last}")
    )
    if domain == "gmail.com":
        local = local.replace(".", "")
    email = f"{local}@{domain}"
    while email in taken:
        email = f"{local}{random.randrange(10, 1000)}@{domain}"
    taken.add(email)
    return email
