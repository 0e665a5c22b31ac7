"""Resource indicators: a token is for the gateway's one resource, and for no other that a request names."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import pytest
import pytest_asyncio

from tests.conftest import ORIGIN
from tests.exchange import Exchange, exchange, refused

pytestmark = pytest.mark.asyncio(loop_scope="module")

AUDIENCE = f"{ORIGIN}/graphql"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def here(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Exchange]:
    async with exchange(tmp_path_factory.mktemp("resource")) as found:
        yield found


@pytest.mark.parametrize("resources", [[], [AUDIENCE], [AUDIENCE, AUDIENCE], [""], ["", AUDIENCE]])
async def test_a_token_is_for_the_gateways_resource_however_often_it_is_named(
    here: Exchange, resources: Sequence[str]
) -> None:
    """RFC 8707, 2: more than one may be named, and RFC 6749, 3.2: without a value it is left out."""
    answer = await here.post("bazaar", [("resource", each) for each in resources])
    token = answer.json()["access_token"]
    assert here.claims(token)["aud"] == AUDIENCE
    assert (await here.ask(token, "{ caller { party } }"))["data"] == {"caller": {"party": "ALIBABA"}}


async def test_the_resource_of_the_metadata_is_one_that_may_be_asked_for(here: Exchange) -> None:
    """What a client library reads at the resource (RFC 9728) and sends on as it is."""
    found = (await here.http.get("/.well-known/oauth-protected-resource/graphql")).json()
    answer = await here.post("bazaar", {"resource": found["resource"]})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "resource",
    [
        "https://evil.example/graphql",
        "http://127.0.0.1:8000",
        f"{ORIGIN}/oauth",
        f"{AUDIENCE}/",
        f"{AUDIENCE}#fragment",
        f"{AUDIENCE}#",
        f"{AUDIENCE}?query",
        f"{AUDIENCE}/../graphql",
        f"{AUDIENCE}%00",
        f" {AUDIENCE}",
        f"{AUDIENCE} {AUDIENCE}",
        f"{AUDIENCE}\r\n",
        AUDIENCE.upper(),
        AUDIENCE.replace("127.0.0.1", "user@127.0.0.1"),
        "/graphql",
        "graphql",
        "urn:graphql",
        "http://[",
        '"\\é\x00',
        "x" * 10_000,
    ],
)
async def test_another_resource_is_refused(here: Exchange, resource: str) -> None:
    """A12: also one that is none, and in words that repeat nothing of it."""
    said = refused(await here.post("bazaar", {"resource": resource}), "invalid_target")
    assert said == f"The one resource that tokens are issued for is {AUDIENCE}."


@pytest.mark.parametrize("foreign", ["https://evil.example/", "evil", f"{AUDIENCE}#"])
async def test_one_foreign_resource_among_several_is_refused(here: Exchange, foreign: str) -> None:
    """A12: whichever comes first, and however often the right one is said."""
    for resources in ([AUDIENCE, foreign], [foreign, AUDIENCE], [AUDIENCE, AUDIENCE, foreign]):
        refused(await here.post("bazaar", [("resource", each) for each in resources]), "invalid_target")


async def test_no_other_parameter_may_be_repeated_beside_it(here: Exchange) -> None:
    """RFC 6749, 3.2 holds for all the rest."""
    pairs = [("resource", AUDIENCE), ("purpose", "analytics"), ("purpose", "analytics")]
    refused(await here.post("bazaar", pairs), "invalid_request")


async def test_forty_parameters_are_too_many_also_of_this_one(here: Exchange) -> None:
    refused(await here.post("bazaar", [("resource", AUDIENCE)] * 40), "invalid_request")
    assert (await here.post("bazaar", [("resource", AUDIENCE)] * 39)).status_code == 200


async def test_the_resource_is_refused_whoever_asks(here: Exchange) -> None:
    """It says nothing of the application, and is no way to find out about one."""
    form = {"grant_type": "client_credentials", "client_id": "nobody", "client_secret": "x"}
    answer = await here.http.post("/oauth/token", data={**form, "resource": "https://evil.example"})
    refused(answer, "invalid_target")
