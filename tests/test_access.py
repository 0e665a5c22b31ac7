"""Who sees what: a line a promise.

Who the people are and what each consented to, `tests.world` tells; in short, seen from Alibaba, which analyses:
Ada is a client of both parties and lets both analyse. Boris is a client of both and consented to nothing. Dina and
Ilya are AliExpress's own. Of those whom Pandao alone knows, only Clara may be analysed by Alibaba: Elena consented to
offers alone, Fyodor's consent is over, Galina's has not begun, and Hariton's is the fund's.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import pytest
import pytest_asyncio

from tests.conftest import Gateway, start
from tests.questions import (
    ALL,
    CATALOGUE,
    CLIENTS,
    CORRIDORS,
    LINES,
    ORDER_COUNTS,
    ORDERS,
    ORDERS_AT_MAILRU,
    PAID_BY_CARD,
    PAID_TO_ALIBABA,
    PAID_TO_MAILRU,
    PARCELS,
    PROFILES,
    RATE,
    REFUNDS,
    REPORT,
    SEGMENTS,
    Question,
    clients_where,
    node,
    shipment,
)
from tests.world import PEOPLE, speaking_world

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    """One gateway for all lines; they only read."""
    async for each in start(tmp_path_factory.mktemp("access"), speaking_world()):
        yield each


ALIBABAS = ["ADA at ALIBABA", "BORIS at ALIBABA", "DINA at ALIBABA", "ILYA at ALIBABA"]
MAILRUS = [f"{name} at MAILRU" for name, (_, parties) in PEOPLE.items() if "MAILRU" in parties]
BOOKS = {"quarter": "2017Q1", "nav": {"minor": 1000}, "positions": [{"shareholder": "RDIF"}]}

NO_MAILRU = "clients:read clients:pii alibaba:read"
NO_ALIBABA = "clients:read clients:pii mailru:read mailru:segments"
EVERYTHING = (
    "clients:read clients:pii alibaba:read mailru:read mailru:segments fund:reports cbr:rates bank:read"
)


def orders_of(party: str, regions: list[str]) -> dict[str, list[str]]:
    """Each one's one order at this party."""
    return {region: [f"{party} {region.split()[0]}"] for region in regions}


def of(*names: str, party: str = "ALIBABA") -> tuple[int, list[str]]:
    """That many clients, and they."""
    return len(names), sorted(f"{name} at {party}" for name in names)


class Line(NamedTuple):
    """A promise, and what it comes down to: who asks what, for which purpose, with which scopes (all, if not said)."""

    promise: str
    party: str
    question: Question
    told: Any
    purpose: str = "analytics"
    scopes: str | None = None
    details: frozenset[tuple[str, str]] | None = None


def narrowed(*names: str) -> frozenset[tuple[str, str]]:
    """What a token is narrowed to, of texts such as `MAILRU orders`."""
    return frozenset((party, dataset) for party, _, dataset in (name.partition(" ") for name in names))


WHOSE_CLIENTS = [
    Line("Alibaba sees its own clients, and those of Mail.ru who let it analyse",
         "ALIBABA", CLIENTS, (5, sorted([*ALIBABAS, "CLARA at MAILRU"]))),
    Line("Mail.ru sees its own clients, and no other lets it analyse",
         "MAILRU", CLIENTS, (7, MAILRUS)),
    Line("for offers, who consented to offers is seen, and who consented to analysis is not",
         "ALIBABA", CLIENTS, (5, sorted([*ALIBABAS, "ELENA at MAILRU"])), "targeted_offers"),
    Line("for a purpose that no agreement names a party sees its own clients and nobody else's",
         "ALIBABA", CLIENTS, (4, ALIBABAS), "demand_forecast"),
    Line("a purpose may be agreed one way only: Mail.ru forecasts, and Ilya lets it",
         "MAILRU", CLIENTS, (8, sorted([*MAILRUS, "ILYA at ALIBABA"])), "demand_forecast"),
    Line("a purpose that nobody declared opens nothing",
         "ALIBABA", CLIENTS, (4, ALIBABAS), "curiosity"),
    Line("the agreements' wildcard is no purpose a token could name",
         "ALIBABA", CLIENTS, (4, ALIBABAS), "*"),
]  # fmt: skip

WHOSE_ORDERS = [
    Line("Alibaba sees its own orders of all its clients, and Pandao's of those who let it analyse",
         "ALIBABA", ORDERS, {**orders_of("Alibaba", ALIBABAS), "CLARA at MAILRU": ["Pandao CLARA"],
                             "ADA at ALIBABA": ["Pandao ADA", "Alibaba ADA"]}),
    Line("Mail.ru sees AliExpress's orders of Ada, who lets it, and not those of Boris, whom it knows as well",
         "MAILRU", ORDERS, {**orders_of("Pandao", MAILRUS), "ADA at MAILRU": ["Pandao ADA", "Alibaba ADA"]}),
    Line("orders are counted as far as they are seen",
         "ALIBABA", ORDER_COUNTS, {**dict.fromkeys([*ALIBABAS, "CLARA at MAILRU"], 1), "ADA at ALIBABA": 2}),
    Line("what was bought is seen with its order",
         "MAILRU", LINES, {**{each: [f"Tea of MAILRU:{each.split()[0]}"] for each in MAILRUS},
                           "ADA at MAILRU": ["Tea of MAILRU:ADA", "Tea of ALIBABA:ADA"]}),
    Line("the other party's account is seen, and what it was paid, with the client's consent: not Boris's",
         "ALIBABA", PAID_TO_MAILRU, {"ADA at ALIBABA": 1000, "CLARA at MAILRU": 1000}),
    Line("the other party's account is seen with the client's consent: Ada's alone",
         "MAILRU", PAID_TO_ALIBABA, {"ADA at MAILRU": 1000}),
    Line("for forecasts Ilya's account is seen, and Ada's, who lets analyse, is not",
         "MAILRU", PAID_TO_ALIBABA, {"ILYA at ALIBABA": 1000}, "demand_forecast"),
    Line("a party's own data are its own for any purpose",
         "ALIBABA", PAID_TO_ALIBABA, dict.fromkeys(ALIBABAS, 1000), "curiosity"),
]  # fmt: skip

PANDAO = [
    Line("what was refunded is seen with its order: by Alibaba of those who let it analyse",
         "ALIBABA", REFUNDS, {"ADA at ALIBABA": [1000], "CLARA at MAILRU": [1000]}),
    Line("what was refunded is seen with its order: by Mail.ru of all",
         "MAILRU", REFUNDS, {each: [1000] for each in MAILRUS}),
    *(Line("Pandao's catalogue is Mail.ru's for any purpose, and Alibaba's for those that are agreed",
           party, CATALOGUE, (1, {"name": "Tea", "variants": [{"stock": 7}]}), purpose, "mailru:products")
      for party, purpose in (("MAILRU", "curiosity"), ("ALIBABA", "analytics"))),
    *(Line("Pandao's catalogue is nobody else's, and for no other purpose",
           party, CATALOGUE, (0, None), purpose, "mailru:products")
      for party, purpose in (("ALIBABA", "demand_forecast"), ("RDIF", "analytics"), ("BANK", "analytics"))),
]  # fmt: skip

PERSONAL_DATA = [
    Line("personal data are seen by the party they were given to, whatever a client consented to",
         "ALIBABA", PROFILES, {each: each.replace(" at ALIBABA", "").title() + " at Alibaba" for each in ALIBABAS}),
    Line("personal data are seen by the party they were given to, also for a purpose that is agreed",
         "MAILRU", PROFILES, {each: each.replace(" at MAILRU", "").title() + " at Mailru" for each in MAILRUS},
         "demand_forecast"),
    Line("Alibaba sees the segments of those who let it analyse, and of Boris not that he is in any",
         "ALIBABA", SEGMENTS, {"ADA at ALIBABA": ["Tea lovers"], "CLARA at MAILRU": ["Tea lovers"]}),
    Line("Mail.ru sees the segments of all its clients",
         "MAILRU", SEGMENTS, {**{each: ["Tea lovers"] for each in MAILRUS},
                              "BORIS at MAILRU": ["BORIS and no other", "Tea lovers"]}),
]  # fmt: skip

SCOPES_NARROW = [
    Line("without mailru:read no order of Mail.ru's is seen, consent or not",
         "ALIBABA", ORDERS, orders_of("Alibaba", ALIBABAS), scopes=NO_MAILRU),
    Line("without mailru:read no order of Mail.ru's is counted",
         "ALIBABA", ORDER_COUNTS, dict.fromkeys(ALIBABAS, 1), scopes=NO_MAILRU),
    Line("without mailru:read nobody is found by an order of Mail.ru's, as Clara would be by hers of March",
         "ALIBABA", clients_where('placedAfter: "2017-03-01T00:00:00Z"'), of("DINA", "ILYA"), scopes=NO_MAILRU),
    Line("without mailru:read an order of Mail.ru's is not found by its id",
         "ALIBABA", node("PandaoOrder:ADA"), None, scopes=NO_MAILRU),
    Line("without alibaba:read not even a party's own orders are seen",
         "ALIBABA", ORDERS, {"ADA at ALIBABA": ["Pandao ADA"], "CLARA at MAILRU": ["Pandao CLARA"]},
         scopes=NO_ALIBABA),
    Line("without clients:read an order is still found by its id, if orders may be read",
         "ALIBABA", node("AlibabaOrder:DINA"), "AlibabaOrder", scopes="alibaba:read"),
    Line("with more scopes than a party has agreements it sees what the agreements say",
         "MAILRU", PAID_TO_ALIBABA, {"ADA at MAILRU": 1000}, scopes=EVERYTHING),
]  # fmt: skip

DETAILS_NARROW = [
    Line("a token for Mail.ru's accounts lists those clients of Mail.ru's who let it, and not the party's own",
         "ALIBABA", CLIENTS, (2, ["ADA at MAILRU", "CLARA at MAILRU"]), details=narrowed("MAILRU accounts")),
    Line("a token for a party's own accounts lists its own clients and nobody else's",
         "ALIBABA", CLIENTS, (4, ALIBABAS), details=narrowed("ALIBABA accounts")),
    Line("a token without any accounts lists no client",
         "ALIBABA", CLIENTS, of(), details=narrowed("ALIBABA orders", "MAILRU orders")),
    Line("… and finds an order by its id", "ALIBABA", node("PandaoOrder:CLARA"), "PandaoOrder",
         details=narrowed("MAILRU orders")),
    Line("… but none that no consent opens", "ALIBABA", node("PandaoOrder:BORIS"), None,
         details=narrowed("MAILRU orders")),
    Line("… and none of a party that the token is not for, its own or not", "ALIBABA", node("AlibabaOrder:ADA"), None,
         details=narrowed("MAILRU orders")),
    Line("orders are seen and counted only of the party that the token is for",
         "ALIBABA", ORDER_COUNTS, {"ADA at ALIBABA": 1, "CLARA at MAILRU": 1},
         details=narrowed("ALIBABA accounts", "MAILRU accounts", "MAILRU orders")),
    Line("a client is found by the date of no order that the token is not for",
         "ALIBABA", clients_where('placedAfter: "2017-03-01T00:00:00Z"'), of("DINA", "ILYA"),
         details=narrowed("ALIBABA accounts", "ALIBABA orders", "MAILRU accounts")),
    Line("personal data, too, are seen only by a token for them",
         "ALIBABA", PROFILES, {}, details=narrowed("ALIBABA accounts", "ALIBABA orders")),
    Line("a token for the segments shows no order of those who are in them",
         "ALIBABA", SEGMENTS, {"ADA at ALIBABA": ["Tea lovers"], "CLARA at MAILRU": ["Tea lovers"]},
         details=narrowed("ALIBABA accounts", "MAILRU accounts", "MAILRU segments")),
    Line("a token for what is not agreed shows nothing of it", "ALIBABA", PROFILES, {},
         details=narrowed("ALIBABA accounts", "MAILRU accounts", "MAILRU profiles")),
    Line("a token for datasets does not stand in for a scope", "ALIBABA", ORDER_COUNTS, dict.fromkeys(ALIBABAS, 1),
         scopes=NO_MAILRU, details=narrowed("ALIBABA accounts", "ALIBABA orders", "MAILRU orders")),
    Line("a token for another's report shows none", "ALIBABA", REPORT, None, scopes=EVERYTHING,
         details=narrowed("RDIF reports")),
    Line("the fund's token may be for its report", "RDIF", REPORT, BOOKS, "reporting",
         details=narrowed("RDIF reports")),
    Line("a token for nothing shows nothing", "RDIF", REPORT, None, "reporting", details=narrowed()),
]  # fmt: skip

FILTERS = [
    Line("a filter by date counts orders that may be seen: Clara's, not those of Elena to Hariton",
         "ALIBABA", clients_where('placedAfter: "2017-03-01T00:00:00Z"'),
         (3, ["CLARA at MAILRU", "DINA at ALIBABA", "ILYA at ALIBABA"])),
    Line("a filter by date is at or after, and before",
         "ALIBABA", clients_where('placedBefore: "2017-02-01T00:00:00Z"'), of("ADA")),
    Line("all conditions of a filter hold together",
         "ALIBABA", clients_where('party: MAILRU, placedAfter: "2017-02-01T00:00:00Z"'), of("CLARA", party="MAILRU")),
    Line("a filter by party counts accounts that may be seen: not Boris's at Pandao",
         "ALIBABA", clients_where("party: MAILRU"), (2, ["ADA at ALIBABA", "CLARA at MAILRU"])),
    Line("a filter by party counts accounts that may be seen: not Boris's at AliExpress",
         "MAILRU", clients_where("party: ALIBABA"), of("ADA", party="MAILRU")),
    Line("a filter by party finds nobody at the fund",
         "ALIBABA", clients_where("party: RDIF"), of()),
    Line("a filter by region finds whom the party may see",
         "ALIBABA", clients_where('region: "CLARA at MAILRU"'), of("CLARA", party="MAILRU")),
    Line("a filter by region finds nobody by an account that may not be seen",
         "ALIBABA", clients_where('region: "ELENA at MAILRU"'), of()),
    Line("a filter by region does not tell where the other party's account of Boris says that he lives",
         "ALIBABA", clients_where('region: "BORIS at MAILRU"'), of()),
    Line("no region is the region of nobody",
         "ALIBABA", clients_where('region: ""'), of()),
]  # fmt: skip

BY_ID = [
    Line("an order of the party's own is found by its id", "MAILRU", node("PandaoOrder:BORIS"), "PandaoOrder"),
    Line("an order that consent opens is found by its id", "ALIBABA", node("PandaoOrder:CLARA"), "PandaoOrder"),
    Line("an order that no consent opens is not there", "ALIBABA", node("PandaoOrder:ELENA"), None),
    Line("an order of a client whom both know is not there without consent",
         "ALIBABA", node("PandaoOrder:BORIS"), None),
    Line("an id that nobody gave out is not there", "ALIBABA", node("PandaoOrder:NOBODY"), None),
    Line("a client is not found by the venture's own key", "ALIBABA", node("101"), None),
]  # fmt: skip

THE_FUND = [
    Line("the fund sees its report", "RDIF", REPORT, BOOKS, "reporting"),
    Line("the fund's report needs no client's consent, and so no certain purpose", "RDIF", REPORT, BOOKS),
    Line("the fund sees no client even if a token had every scope there is", "RDIF", CLIENTS, of(),
         scopes=EVERYTHING),
    Line("the fund sees no client for its own purpose either, though Hariton consented: nothing is agreed",
         "RDIF", CLIENTS, of(), "reporting", EVERYTHING),
    Line("the fund finds no order by its id", "RDIF", node("PandaoOrder:HARITON"), None, "reporting", EVERYTHING),
    Line("Alibaba does not see the fund's report, whatever its scopes", "ALIBABA", REPORT, None, scopes=EVERYTHING),
    Line("Mail.ru does not see the fund's report, whatever its scopes", "MAILRU", REPORT, None, "reporting",
         EVERYTHING),
]  # fmt: skip

PUBLIC = [
    *(Line("what is public every party sees, for any purpose",
           party, RATE, {"rate": "57.6002", "effectiveOn": "2017-12-30"}, purpose, "cbr:rates")
      for party in ("ALIBABA", "MAILRU", "RDIF") for purpose in ("reporting", "curiosity")),
    Line("what is public is seen with a token for it", "RDIF", RATE,
         {"rate": "57.6002", "effectiveOn": "2017-12-30"}, "reporting", "cbr:rates", narrowed("CBR rates")),
    Line("what is public is not seen with a token for something else", "RDIF", RATE, None, "reporting", "cbr:rates",
         narrowed("RDIF reports")),
]  # fmt: skip

THE_BANK = [
    Line("what Ada paid by card is seen by Alibaba, which she lets analyse, and of Boris nothing is",
         "ALIBABA", PAID_BY_CARD, {"ADA at ALIBABA": [1250]}, scopes="clients:read alibaba:read bank:read"),
    Line("what Ada paid by card is not seen for a purpose that is not agreed",
         "ALIBABA", PAID_BY_CARD, {}, "targeted_offers", "clients:read alibaba:read bank:read"),
    Line("what was paid by card is not seen by who has no agreement",
         "MAILRU", PAID_BY_CARD, {}, scopes="clients:read mailru:read bank:read"),
    Line("the bank sees no client whom it does not know by an account of its own",
         "BANK", CLIENTS, of(), scopes=EVERYTHING),
]  # fmt: skip


def way(volume: int) -> list[Any]:
    """The corridor of that many parcels from China to Russia, which all took ten days."""
    legs = {"FIRST_MILE": 2.0, "LINE_HAUL": 3.0, "WHOLE": 10.0}
    return [("CHINA_RUSSIA", volume, {leg: (volume, days) for leg, days in legs.items()})]


PARCELS_FOLLOW = [
    Line("Alibaba sees the parcels of the orders it sees: its own, and Pandao's of those who let it analyse",
         "ALIBABA", PARCELS, {**{each: [f"{each.split()[0]} Alibaba"] for each in ALIBABAS},
                              "ADA at ALIBABA": ["ADA Pandao", "ADA Alibaba"], "CLARA at MAILRU": ["CLARA Pandao"]}),
    Line("Mail.ru sees AliExpress's parcels of Ada, who lets it, though Russian Post told of all of them",
         "MAILRU", PARCELS, {**{each: [f"{each.split()[0]} Pandao"] for each in MAILRUS},
                             "ADA at MAILRU": ["ADA Pandao", "ADA Alibaba"]}),
    Line("a parcel is found by its number where its order is seen",
         "ALIBABA", shipment("clara.MAILRU"), ["PandaoOrder:CLARA"]),
    Line("a parcel of an order that no consent opens is not there", "ALIBABA", shipment("BORIS.MAILRU"), None),
    Line("no more than one that nobody sent", "ALIBABA", shipment("NOBODY.MAILRU"), None),
    Line("without mailru:read no parcel of Mail.ru's is found", "ALIBABA", shipment("CLARA.MAILRU"), None,
         scopes=NO_MAILRU),
    Line("a token for Mail.ru's orders finds no parcel of the party's own", "ALIBABA", shipment("ADA.ALIBABA"), None,
         details=narrowed("MAILRU orders")),
    Line("corridors count the parcels that Alibaba sees", "ALIBABA", CORRIDORS, way(6)),
    Line("corridors count the parcels that Mail.ru sees", "MAILRU", CORRIDORS, way(8)),
    Line("for forecasts Ilya's parcel is counted, and Ada's of AliExpress is not",
         "MAILRU", CORRIDORS, way(8), "demand_forecast"),
    Line("corridors are of the datasets that a token is for",
         "ALIBABA", CORRIDORS, way(2), details=narrowed("MAILRU orders")),
    Line("the fund finds no parcel by its number", "RDIF", shipment("HARITON.MAILRU"), None, "reporting", EVERYTHING),
    Line("the fund gets no corridor: figures are made of what one sees, and it sees no order",
         "RDIF", CORRIDORS, [], "reporting", EVERYTHING),
]  # fmt: skip

A_STRANGER = [
    Line(f"a party that the contract does not know sees nothing of {question.document}",
         "MEGAFON", question, nothing, scopes=EVERYTHING)
    for question, nothing in [(CLIENTS, of()), (ORDERS, {}), (SEGMENTS, {}), (ORDERS_AT_MAILRU, {}), (REPORT, None),
                              (PARCELS, {}), (CORRIDORS, []), (shipment("ADA.MAILRU"), None),
                              (RATE, None),
                              (node("PandaoOrder:ADA"), None)]
]  # fmt: skip

TABLE = [
    *WHOSE_CLIENTS,
    *WHOSE_ORDERS,
    *PANDAO,
    *PERSONAL_DATA,
    *SCOPES_NARROW,
    *DETAILS_NARROW,
    *FILTERS,
    *BY_ID,
    *THE_FUND,
    *PUBLIC,
    *THE_BANK,
    *PARCELS_FOLLOW,
    *A_STRANGER,
]


@pytest.mark.parametrize("line", TABLE, ids=lambda line: f"{line.party}: {line.promise}")
async def test_who_sees_what(gateway: Gateway, line: Line) -> None:
    """What a line of the table says."""
    answer = await gateway.ask(
        line.question.document, line.party, line.scopes, line.purpose, datasets=line.details
    )
    assert "errors" not in answer
    assert line.question.read(answer["data"]) == line.told


@pytest.mark.parametrize("purpose", ["analytics", "demand_forecast", "targeted_offers", "reporting", "*"])
@pytest.mark.parametrize("scopes", [None, EVERYTHING], ids=["its own scopes", "every scope"])
async def test_the_fund_is_told_no_word_of_any_person(
    gateway: Gateway, scopes: str | None, purpose: str
) -> None:
    """Whatever it asks, for whatever purpose: no answer has a name, a region or an order of anybody."""
    questions = [*ALL, *(node(f"{kind}Order:{name}") for name in PEOPLE for kind in ("Alibaba", "Pandao"))]
    for question in questions:
        answer = await gateway.ask(question.document, "RDIF", scopes, purpose)
        assert not people_in(answer)


async def test_every_word_that_betrays_a_person_would_be_noticed(gateway: Gateway) -> None:
    """The search of the test above finds what it looks for, where it may be said."""
    answers = [await gateway.ask(question.document, "MAILRU") for question in ALL]
    assert people_in(answers) == {name for name, (_, parties) in PEOPLE.items() if "MAILRU" in parties}


def people_in(answers: Any) -> set[str]:
    """Who is named, in whatever way: by a region, a name, an address, an order or a line."""
    return {word.upper() for word in re.findall(r"[A-Za-z]+", str(answers))} & PEOPLE.keys()
