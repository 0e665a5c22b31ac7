"""A person of each party at GraphiQL, in Chromium, against a gateway on a socket."""

from __future__ import annotations

import pytest

from tests.graphiql.conftest import Visiting
from tests.graphiql.served import PASSWORD, PEOPLE

CALLER = "{ caller { party application purpose scopes } }"


@pytest.mark.parametrize("party", PEOPLE)
def test_a_person_signs_in_asks_and_signs_out(visit: Visiting, party: str) -> None:
    """The bar says who it is all the while, and the token is good for nothing once it was signed out."""
    person = PEOPLE[party]
    with visit() as window:
        window.open()
        window.sign_in(person["id"], PASSWORD)
        shown = window.page.locator(".bar .caller").inner_text()
        assert all(each in shown for each in (person["id"], party, "graphiql", *person["scopes"]))
        window.write(CALLER)
        asked = window.run()["data"]["caller"]
        assert (asked["party"], asked["application"]) == (party, "graphiql")
        assert sorted(asked["scopes"]) == sorted(person["scopes"])
        with window.page.expect_response("**/oauth/revoke") as revoked:
            window.sign_out()
        assert revoked.value.status == 200
        assert "Sign in" in window.run()["errors"][0]["message"]
