"""The schema: what is pinned for partners' applications, and that each caller is shown just its part."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from graphql import (
    GraphQLInterfaceType,
    GraphQLObjectType,
    build_schema,
    introspection_types,
    print_schema,
    specified_scalar_types,
    validate_schema,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.discovery import discover
from gateway.explain.explanation import COORDINATES
from gateway.schema import UNLOCKED, Schema
from gateway.views import visible

ROOT = Path(__file__).parent.parent
SCHEMA = Schema(discover())

PINNED = """
scalar BigInt scalar DateTime scalar Decimal scalar JSON
interface Node { id: ID! }
enum Party { ALIBABA MAILRU RDIF }
enum OrderStatus { UNKNOWN }
type Query {
  caller: Caller!
  node(id: ID!): Node
  explainAccess(document: String!, variables: JSON, operationName: String): AccessExplanation!
  client(id: ID!): Client
  clients(first: Int, after: String, last: Int, before: String, filter: ClientFilter): ClientConnection!
  fundReport(quarter: String!, asOf: DateTime): FundReport
}
type AccessExplanation {
  runs: Boolean! errors: [ExplainedError!]! allowed: Boolean! missingScopes: [String!]! fields: [ExplainedField!]!
}
type ExplainedError { message: String! code: String! }
type ExplainedField { path: [String!]! coordinate: String! allowed: Boolean! rule: String missingScopes: [String!]! }
type Subscription { orderChanged(party: Party): Order! }
type Caller { party: Party! application: String! scopes: [String!]! purpose: String! data: [PartnerData!] }
type PartnerData { party: Party! datasets: [String!]! }
type Client implements Node {
  id: ID!
  region: String
  profile: ClientProfile
  orders(first: Int, after: String, party: Party): OrderConnection!
  alibaba: AlibabaAccount
  mailru: MailruAccount
}
input ClientFilter { region: String party: Party placedAfter: DateTime placedBefore: DateTime }
type ClientProfile { name: String email: String phone: String }
type AlibabaAccount {
  memberSince: DateTime
  lifetimeValue: Money
  orders(first: Int, after: String): OrderConnection!
}
type MailruAccount { segments: [Segment!] orders(first: Int, after: String): OrderConnection! }
type Segment { id: ID! name: String! }
type ClientConnection { edges: [ClientEdge!]! nodes: [Client!]! pageInfo: PageInfo! totalCount: Int! }
type ClientEdge { node: Client! cursor: String! }
type OrderConnection { edges: [OrderEdge!]! nodes: [Order!]! pageInfo: PageInfo! totalCount: Int! }
type OrderEdge { node: Order! cursor: String! }
type PageInfo { hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: String endCursor: String }
interface Order implements Node {
  id: ID! party: Party! placedAt: DateTime! status: OrderStatus! statusRaw: String! total: Money! lines: [OrderLine!]!
}
type AlibabaOrder implements Order & Node {
  id: ID! party: Party! placedAt: DateTime! status: OrderStatus! statusRaw: String! total: Money! lines: [OrderLine!]!
}
type PandaoOrder implements Order & Node {
  id: ID! party: Party! placedAt: DateTime! status: OrderStatus! statusRaw: String! total: Money! lines: [OrderLine!]!
}
type OrderLine { productId: ID! name: String! quantity: Int! total: Money! }
type Money { minor: BigInt! currency: String! amount: Decimal! }
type FundReport { quarter: String! }
"""

ACTIVATION = (
    *("contact", "coverage", "createdAt", "id", "name", "partnerId", "partnerState"),
    *("purpose", "reason", "recipient", "sent", "state", "updatedAt"),
)

NO_LOCK_OF_ITS_OWN = {
    *UNLOCKED,
    "Query.client",
    "Subscription.orderChanged",
    *(f"Activation.{name}" for name in ACTIVATION),
    *(f"Money.{name}" for name in ("amount", "currency", "minor")),
    *(f"OrderLine.{name}" for name in ("category", "name", "productId", "quantity", "total")),
    *(f"PageInfo.{name}" for name in ("endCursor", "hasNextPage", "hasPreviousPage", "startCursor")),
}
"""What needs no scope but the one of whatever leads there."""

SCOPES_OF = {
    "Client.profile": {"clients:read", "clients:pii"},
    "Client.alibaba": {"clients:read", "alibaba:read"},
    "Client.mailru": {"clients:read", "mailru:read"},
    "MailruAccount.segments": {"mailru:read", "mailru:segments"},
    "Query.fundReport": {"fund:reports"},
    "Query.clients": {"clients:read"},
    "Query.client": {"clients:read"},
    "Query.activation": {"mailru:activate"},
    "Mutation.activateAudience": {"clients:read", "mailru:activate"},
    "Subscription.activationProgress": {"mailru:activate"},
}


def test_the_snapshot_is_what_the_gateway_prints() -> None:
    """Byte for byte, so that a change of the contract is seen in review."""
    printed = subprocess.run(
        [sys.executable, "-m", "gateway", "schema"], capture_output=True, check=True, cwd=ROOT
    )
    snapshot = ROOT / "schema.graphql"
    same = snapshot.exists() and snapshot.read_bytes() == printed.stdout
    assert same, "schema.graphql is not the schema any more: look at the change, then run `make schema`"


def test_the_text_of_the_schema_is_a_schema() -> None:
    """Any tool can build it, and comes to the same types."""
    assert print_schema(build_schema(SCHEMA.sdl)) == print_schema(SCHEMA.graphql)


@pytest.mark.parametrize(
    "kind", sorted(build_schema(PINNED).type_map.keys() - {*specified_scalar_types, *introspection_types})
)
def test_what_partners_applications_are_written_against_is_there(kind: str) -> None:
    """Each field with its type to the last exclamation mark, and with just these arguments."""
    pinned, found = build_schema(PINNED).type_map[kind], SCHEMA.graphql.type_map[kind]
    assert type(found) is type(pinned)
    for name, field in getattr(pinned, "fields", {}).items():
        assert str(found.fields[name].type) == str(field.type)
        told = {key: str(value.type) for key, value in getattr(found.fields[name], "args", {}).items()}
        assert told == {key: str(value.type) for key, value in getattr(field, "args", {}).items()}
    for each in getattr(pinned, "interfaces", ()):
        assert each.name in {one.name for one in found.interfaces}
    assert set(getattr(pinned, "values", ())) <= set(getattr(found, "values", ()))


@pytest.mark.parametrize("coordinate", SCOPES_OF)
def test_a_pinned_field_opens_with_its_scopes_and_with_none_less(coordinate: str) -> None:
    """As the partners' applications were told."""
    needed = SCOPES_OF[coordinate]
    kind, _, name = coordinate.partition(".")
    named = re.sub(r"[\[\]!]", "", str(SCHEMA.graphql.type_map[kind].fields[name].type))  # type: ignore[attr-defined]
    view = SCHEMA.view(frozenset(needed))
    assert not view.locks(kind, name)
    assert not view.locks(named, None)
    for scope in needed:
        view = SCHEMA.view(frozenset(needed - {scope}))
        assert view.locks(kind, name) or view.locks(named, None)


def test_what_anybody_may_ask_for_is_pinned() -> None:
    """Without a scope a caller learns who it is; whoever adds to this list means it."""
    assert SCHEMA.reachable(frozenset()) == {
        "Query.caller",
        "Query.explainAccess",
        "Query.node",
        "Node.id",
        "Caller.party",
        "Caller.application",
        "Caller.scopes",
        "Caller.purpose",
        "Caller.data",
        "PartnerData.party",
        "PartnerData.datasets",
        *COORDINATES,
    }


def test_what_has_no_lock_of_its_own_is_pinned() -> None:
    """All else names the scopes it needs, on the field or on its type."""
    unlocked = {f"{kind}.{field}" for kind, field, lock in SCHEMA.locks() if field and not lock}
    assert unlocked == NO_LOCK_OF_ITS_OWN


def test_every_scope_in_the_schema_is_declared_and_every_declared_one_is_used() -> None:
    """And each is explained in a sentence, for whoever gives it out."""
    written = set(
        re.findall(r'"([a-z]+:[a-z]+)"', " ".join(re.findall(r"@requiresScopes\(.*\)", SCHEMA.sdl)))
    )
    assert written == SCHEMA.scopes.keys()
    assert all(text.endswith(".") for text in SCHEMA.scopes.values())


def test_every_type_and_every_root_field_says_what_it_is() -> None:
    """In a description, which is what GraphiQL shows."""
    kinds = [kind for name, kind in SCHEMA.graphql.type_map.items() if not name.startswith("__")]
    assert not [kind.name for kind in kinds if not kind.description]
    graphql = SCHEMA.graphql
    roots = (graphql.query_type, graphql.mutation_type, graphql.subscription_type)
    assert not [name for root in roots if root for name, each in root.fields.items() if not each.description]


@cache
def shown(scopes: frozenset[str]) -> frozenset[str]:
    """The fields of the view of these scopes, which is a whole schema, and of which all that is shown opens."""
    view = visible(SCHEMA.graphql, SCHEMA.reachable(scopes))
    assert validate_schema(view) == []
    kinds = [
        each
        for each in view.type_map.values()
        if isinstance(each, GraphQLObjectType | GraphQLInterfaceType) and not each.name.startswith("__")
    ]
    found = frozenset(f"{kind.name}.{name}" for kind in kinds for name in kind.fields)
    locks = SCHEMA.view(scopes).locks
    assert not [each for each in found if locks(*each.split(".", 1))]
    return found


@settings(max_examples=8, deadline=None)
@given(order=st.permutations(sorted(SCHEMA.scopes)))
def test_a_scope_more_never_shows_less(order: list[str]) -> None:
    """Given one after the other, in whatever order; each view on the way is a whole schema."""
    seen = [shown(frozenset(order[:size])) for size in range(len(order) + 1)]
    assert all(less <= more for less, more in pairwise(seen))


def test_what_a_lock_asks_for_shows_no_less_than_a_part_of_it() -> None:
    """For each lock there is; and all scopes together show everything."""
    asked = {each for _, _, lock in SCHEMA.locks() for each in lock}
    assert max(map(len, asked)) > 1
    for each in asked:
        assert all(shown(each - {scope}) <= shown(each) for scope in each)
    everything = {f"{kind}.{field}" for kind, field, _ in SCHEMA.locks() if field}
    assert shown(frozenset(SCHEMA.scopes)) == everything
