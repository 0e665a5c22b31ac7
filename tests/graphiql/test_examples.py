"""The examples: each party gets those that it may run, and they run."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from graphql import OperationDefinitionNode, OperationType, parse, print_ast
from sqlalchemy import insert

from gateway.activations import work
from gateway.clients.orders import orders
from gateway.discovery import example_folders
from gateway.endpoint.examples import read_examples
from gateway.schema import declared_schema
from tests.audiences import PURPOSE, SCOPES, Agency, agency
from tests.conftest import Gateway
from tests.graphiql.served import PEOPLE
from tests.world import parcel, report, small_world, write

README = (Path(__file__).parent.parent.parent / "README.md").read_text()


async def offered(gateway: Gateway, party: str, scopes: str | None = None) -> Any:
    """The examples that a caller gets."""
    sent = {"authorization": f"Bearer {gateway.token(party, scopes)}"}
    response = await gateway.client.get("/graphql/examples", headers=sent)
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    return response.json()


def kind(document: str) -> OperationType:
    """What an example does: query, or subscribe."""
    [operation] = [each for each in parse(document).definitions if isinstance(each, OperationDefinitionNode)]
    return operation.operation


@pytest.mark.parametrize("party", PEOPLE)
async def test_the_examples_of_a_party_run_as_they_stand(gateway: Gateway, party: str) -> None:
    """With the scopes that its person in the demo has, and without an error but that no partner is to be reached."""
    async with gateway.writing() as connection:
        await write(connection, report("2017Q4"))
    found = await offered(gateway, party, " ".join(PEOPLE[party]["scopes"]))
    assert len(found) >= 4
    for each in found:
        if (does := kind(each["document"])) != OperationType.SUBSCRIPTION:
            purpose = "targeted_offers" if does == OperationType.MUTATION else "analytics"
            answer = await gateway.ask(
                each["document"], party, PEOPLE[party]["scopes"], purpose, each["variables"]
            )
            codes = {error["extensions"]["code"] for error in answer.get("errors", [])}
            assert codes <= {"PARTNER_UNAVAILABLE"}, each["title"]


async def test_the_examples_of_parcels_tell_of_them(gateway: Gateway) -> None:
    """Of one that has the number they ask for: its milestones, what customs ask, and how long each leg took."""
    found = [each for each in read_examples(example_folders()) if each.group == "Parcels"]
    [number] = re.findall(r'trackingNumber: "(\w+)"', found[0].document)
    sent = {**small_world()[orders][1], "placed_at": "2017-12-01T09:00:00Z"}
    rows = parcel(sent, "Moscow")
    shipment = rows[0][1]
    shipment |= {"value_minor": 150_000, "currency": "EUR", "weight_grams": 900}
    known = shipment["tracking_number"]
    async with gateway.writing() as connection:
        for table, row in rows:
            named = {name: number if value == known else value for name, value in row.items()}
            await connection.execute(insert(table), named)
    answers = [await gateway.ask(each.document, variables=each.variables) for each in found]
    assert not [each for each in answers if "errors" in each]
    one, several, corridors, epcis = (each["data"] for each in answers)
    told = one["shipment"]
    assert [each["milestone"] for each in told["events"]] == ["ACCEPTED", "EXPORTED", "IMPORTED", "DELIVERED"]
    assert (told["progress"]["milestone"], told["customs"]["duty"]) == ("DELIVERED", "DUE")
    assert number in str(several)
    assert "CHINA_RUSSIA" in str(corridors)
    assert "ObjectEvent" in str(epcis)


@pytest.fixture
async def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Agency]:
    """A gateway with enough clients for an audience, which looks after activations often."""
    monkeypatch.setattr(work, "PAUSE", 0.02)
    async with agency(tmp_path) as found:
        yield found


async def test_the_examples_of_an_activation_send_it_and_follow_it_to_its_end(house: Agency) -> None:
    """As they stand in GraphiQL, given the id to the second."""
    found = read_examples({"MAILRU": example_folders()["MAILRU"]})
    sending, following = (each for each in found if kind(each.document) != OperationType.QUERY)
    made = await house.gateway.ask(sending.document, "ALIBABA", SCOPES, PURPOSE, sending.variables)
    assert "errors" not in made
    await house.until("PROCESSING")
    house.stand.nearly()
    await house.until("READY")
    id = made["data"]["activateAudience"]["id"]
    sent = {"query": following.document, "variables": {**following.variables, "id": id}}
    token = house.gateway.token("ALIBABA", SCOPES, PURPOSE)
    headers = {"authorization": f"Bearer {token}", "accept": "text/event-stream"}
    told = await house.gateway.client.post("/graphql", json=sent, headers=headers)
    assert '"state":"READY"' in told.text
    assert told.text.endswith("event: complete\ndata:\n\n")


async def test_every_example_is_for_somebody() -> None:
    """And says in its first line what it is, which is nobody else's title."""
    titles = [each.title for each in read_examples(example_folders())]
    assert len(set(titles)) == len(titles) >= 12
    assert all(re.fullmatch(r"[A-Z].{8,80}", each) for each in titles)


async def test_all_examples_are_offered_to_those_who_may_all(gateway: Gateway) -> None:
    found = await offered(gateway, "ALIBABA", " ".join(declared_schema().scopes))
    assert [each["title"] for each in found] == [each.title for each in read_examples(example_folders())]


async def test_nobody_reads_of_what_it_may_not_ask_for(gateway: Gateway) -> None:
    """An example names fields: a caller gets none that names another's."""
    assert not re.search(
        r"client|order|alibaba|mailru|pandao|segment", str(await offered(gateway, "RDIF")), re.I
    )
    assert not re.search(r"\bfund", str(await offered(gateway, "ALIBABA")), re.I)
    assert "profile" not in str(await offered(gateway, "MAILRU", "clients:read mailru:read"))
    everybodys = {each["group"] for each in await offered(gateway, "ALIBABA", "")}
    assert everybodys == {"Shared"}


async def test_the_examples_are_for_bearers_of_tokens(gateway: Gateway) -> None:
    response = await gateway.client.get("/graphql/examples")
    assert response.status_code == 401
    assert response.headers["www-authenticate"].startswith("Bearer")


def plain(document: str) -> str:
    """An operation without its name and its comments."""
    return re.sub(r"^query ?\w* ?", "", print_ast(parse(document)))


async def test_the_queries_in_readme_are_among_them() -> None:
    written = [plain(each) for each in re.findall(r"```graphql\n(.*?)```", README, re.DOTALL)]
    assert written
    assert set(written) <= {plain(each.document) for each in read_examples(example_folders())}
