"""What was published about other GraphQL gateways and servers, each with the tests that keep it from being true here.

The tests stand where the attacked part is tested; here none of them can be lost.
"""

from __future__ import annotations

import pytest

from tests.shown import check

ADVISORIES: dict[str, tuple[str, ...]] = {
    "GHSA-x33c-7c2v-mrj9: an interface shows what its implementations lock": (
        "attacks/routes: without the scope no way leads there",
        "attacks/routes: with the scope every way does",
        "refusals: what may not be asked for is null and the error says what is lacking",
        "isolation: what a caller may not see changes nothing that it is told",
    ),
    "GHSA-mx7m-j9xf-62hw, CVE-2025-64530: what an interface locks, its implementations show": (
        "schema_declarations: a lock on an interface holds for what implements it",
        "schema_declarations: a type that nothing locks stops the start though only node leads to it",
    ),
    "GHSA-m8jr-fxqx-8xx6: a field shows what it is computed of": (
        "attacks/routes: no row is seen without the scope of its dataset",
        "attacks/routes: what is summed and counted is what is seen",
        "attacks/routes: a filter by orders finds nobody for who may read none",
        "row_rules: what is counted or summed is what is seen",
    ),
    "GHSA-g8jh-vg5j-4h3f: a lock under another name is none": (
        "schema_declarations: a field that nothing locks stops the start",
        "schema: what anybody may ask for is pinned",
        "command_access: what is not understood is not passed over",
    ),
    "GHSA-3j43-9v8v-cp3f, GHSA-84m6-5m72-45fp, GHSA-75m2-jhh5-j5g2, GHSA-94hh-jmq8-2fgp, CVE-2025-32030, 32031: "
    "named fragments within each other take exponential time": (
        "attacks/loop: no document holds the loop",
        "engine/documents: bombs are refused at once",
        "engine/limits: what is measured is what the text spelled out has",
        "engine/limits: fragments within themselves are refused in words",
    ),
    "GHSA-hff2-gcpx-8f4p: an odd content type takes a GET past what keeps other sites out": (
        "endpoint_get: a get of an odd type is not run",
        "endpoint_get: what another site makes a browser send has no caller",
        "endpoint_get: a mutation never comes by get",
    ),
    "CVE-2026-32621: aliases, or a partner's answers, change what a program is made of": (
        "attacks/routes: names that mean something to a script are names like others",
        "attacks/hostile_partners: nothing of a hostile answer gets in among the data",
        "attacks/hostile_partners: what is no json is none",
        "connectors/contract_records: whatever comes is refused or good",
        "upstream: an answer is bounded",
        "sync_failures: values that no column holds cost their record alone",
    ),
    "GHSA-vpwc-v33q-mq89, CVE-2026-35523: the legacy protocol of sockets asks nobody who it is": (
        "sockets: other protocols are not spoken",
        "sockets: speaking before the caller is known ends the connection",
        "sockets: who has no good token is let go",
        "subscriptions: a token that expires ends what it opened",
    ),
    "CVE-2026-35526: a socket has subscriptions without end": (
        "sockets: a connection has so many operations",
        "sockets: an application has so many connections and subscriptions",
        "sockets: who floods is read slowly and still answered",
    ),
    "Strawberry's limiters of depth and aliases take exponential time themselves": (
        "engine/limits: each limit is what may just be",
        "engine/limits: what validation will refuse is measured first",
        "attacks/loop: no document holds the loop",
    ),
    "graphql-core takes a second to run what takes 600 bytes to ask": (
        "attacks/loop: no document holds the loop",
        "attacks/loop: no variables hold the loop",
    ),
    "clairvoyance and other tools make a schema of what messages say": (
        "attacks/clairvoyance: the fund finds nothing of alibabas and mailrus",
        "attacks/guessing: a wrong document tells nothing of what is hidden",
        "attacks/guessing: variables tell nothing of a type that is hidden",
        "introspection: a misspelt name is answered without a guess at the right one",
    ),
    "crackql and batchql guess passwords by aliases and batches": (
        "attacks/graphql_cop: a scanner with a token finds what is meant to be there",
        "attacks/brute_force: a batch of a thousand guesses is one refusal",
        "attacks/brute_force: a document of a thousand guesses is one refusal",
        "oauth_throttle: guessing a secret is slowed down",
        "oauth_throttle: who tries many applications is slowed down",
        "oauth_server: another content type is refused",
        "oauth_server: a parameter sent twice is refused",
    ),
}


@pytest.mark.parametrize("advisory", ADVISORIES)
def test_what_was_published_is_held_off(advisory: str) -> None:
    """Each of its tests is there."""
    assert ADVISORIES[advisory]
    for reference in ADVISORIES[advisory]:
        check(reference)
