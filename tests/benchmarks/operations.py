"""The operations that are timed: one client, many clients, many clients of both partners."""

from __future__ import annotations

_ORDER = "id party placedAt status statusRaw total { minor currency }"

Q1 = f"query Q1($id: ID!) {{ client(id: $id) {{ id region orders(first: 20) {{ nodes {{ {_ORDER} }} }} }} }}"

Q2 = f"query Q2 {{ clients(first: 50) {{ nodes {{ id orders(first: 10) {{ nodes {{ {_ORDER} }} }} }} }} }}"

Q3 = """
query Q3 {
  clients(first: 20) {
    nodes {
      id
      alibaba { memberSince orders(first: 10) { nodes { id placedAt total { minor } } } }
      mailru { memberSince segments { name } orders(first: 10) { nodes { id placedAt total { minor } } } }
    }
  }
}
"""
