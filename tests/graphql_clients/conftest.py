"""What every test of the clients is given: a gateway on a socket, and the operations that all of them send."""

from __future__ import annotations

from typing import Any

from graphql import get_introspection_query

from tests.door import Door, door

__all__ = ["door"]

TYPED = """
query Typed($first: Int!, $filter: ClientFilter) {
  clients(first: $first, filter: $filter) {
    totalCount
    nodes { ...Person }
    pageInfo { endCursor hasNextPage }
  }
}
fragment Person on Client {
  id
  region
  orders(first: 2) {
    nodes {
      id
      placedAt
      status
      total { minor amount currency }
      lines { name quantity }
      ... on AlibabaOrder { logisticsStatus }
    }
  }
}
"""
DOCUMENTS = {
    "typed": TYPED,
    "refused": '{ caller { party } fundReport(quarter: "2017Q1") { quarter } }',
    "invalid": "{ whatever }",
    "introspection": get_introspection_query(),
}
VARIABLES = {"first": 2, "filter": {"party": "ALIBABA", "placedAfter": "2017-01-01T00:00:00Z"}}


def address(door: Door) -> str:
    """Where a client finds the gateway."""
    return f"http://127.0.0.1:{door.port}/graphql"


def given(door: Door) -> dict[str, Any]:
    """What a client is configured with, and what it shall ask."""
    return {"url": address(door), "token": door.token(), "documents": DOCUMENTS, "variables": VARIABLES}
