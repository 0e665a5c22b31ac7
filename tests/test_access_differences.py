"""A difference of access is reported exactly where some set of scopes reaches what it did not; by trying them all."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, combinations

from graphql import GraphQLObjectType, build_schema
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.access.agreements import Agreement, Contract
from gateway.access.differences import Differences, contracts, schemas
from gateway.access.printed import read_ways
from gateway.access.reach import reachable

SCOPES = ("a", "b", "c")
SUBSETS = [
    frozenset(each)
    for each in chain.from_iterable(combinations(SCOPES, size) for size in range(len(SCOPES) + 1))
]
HEAD = "directive @requiresScopes(scopes: [[String!]!]!) on FIELD_DEFINITION | INTERFACE | OBJECT\n"
TYPES = ("Query", "T0", "T1", "T2")

Lock = list[list[str]]
Drawn = dict[str, tuple[Lock, bool, dict[str, tuple[str, Lock]]]]
"""Of each type its lock, whether it is of the interface, and its fields with what they return and their locks."""

locks = st.lists(st.lists(st.sampled_from(SCOPES), max_size=2, unique=True), max_size=2)
returned = st.sampled_from(["Int", "T0", "T1", "T2", "I"])
fields = st.dictionaries(st.sampled_from("xyz"), st.tuples(returned, locks), max_size=3)


@st.composite
def drawn(draw: st.DrawFn) -> Drawn:
    """A small schema: types that lead to each other, one interface, and locks anywhere."""
    found = {name: (draw(locks), name != "Query" and draw(st.booleans()), draw(fields)) for name in TYPES}
    return {**found, "I": (draw(locks), False, {})}


def printed(schema: Drawn) -> str:
    """The schema as text. Every type has a field `i`, so that none is empty."""

    def lock(scopes: Lock) -> str:
        inner = ", ".join("[" + ", ".join(f'"{each}"' for each in one) + "]" for one in scopes)
        return f" @requiresScopes(scopes: [{inner}])" if scopes else ""

    def body(name: str) -> Iterator[str]:
        scopes, implements, members = schema[name]
        kind = "interface" if name == "I" else "type"
        yield f"{kind} {name}{' implements I' if implements else ''}{lock(scopes)} {{ i: Int"
        yield from (f" {field}: {to}{lock(needed)}" for field, (to, needed) in members.items())
        yield " }\n"

    return HEAD + "".join("".join(body(name)) for name in schema)


def held(lock: Lock, scopes: frozenset[str]) -> bool:
    """Whether a lock opens."""
    return not lock or any(scopes >= set(one) for one in lock)


def tried(schema: Drawn, scopes: frozenset[str]) -> set[str]:
    """What a holder of these scopes can ask for, by walking there as simply as can be."""
    found: set[str] = set()
    walked: set[str] = set()

    def walk(name: str) -> None:
        own, _, members = schema[name]
        if name in walked or not held(own, scopes):
            return
        walked.add(name)
        for field, (to, lock) in {"i": ("Int", []), **members}.items():
            if held(lock, scopes) and (to == "Int" or held(schema[to][0], scopes)):
                found.add(f"{name}.{field}")
                for each in [to, *(other for other in TYPES if to == "I" and schema[other][1])]:
                    if each != "Int":
                        walk(each)

    walk("Query")
    return found


@given(old=drawn(), new=drawn())
@settings(max_examples=80, deadline=None)
def test_what_is_wider_is_what_some_scopes_reach_that_did_not(old: Drawn, new: Drawn) -> None:
    """And what is narrower what they no longer reach: no more, and no less."""
    found = schemas(read_ways(printed(old)), read_ways(printed(new)))
    wider = {each for scopes in SUBSETS for each in tried(new, scopes) - tried(old, scopes)}
    narrower = {each for scopes in SUBSETS for each in tried(old, scopes) - tried(new, scopes)}
    assert {each.what for each in found.widenings} == wider
    assert {each.what for each in found.narrowings} == narrower


@given(old=drawn(), new=drawn())
@settings(max_examples=50, deadline=None)
def test_the_way_back_is_the_same_way(old: Drawn, new: Drawn) -> None:
    """What one direction calls wider, the other calls narrower; and nothing differs from itself."""
    one, other = read_ways(printed(old)), read_ways(printed(new))
    there, back = schemas(one, other), schemas(other, one)
    assert [(each.what, each.before, each.after) for each in there.widenings] == [
        (each.what, each.after, each.before) for each in back.narrowings
    ]
    assert schemas(one, one) == Differences()


@given(schema=drawn())
@settings(max_examples=50, deadline=None)
def test_the_gateway_itself_reaches_what_is_reported(schema: Drawn) -> None:
    """The walk that makes views, for each set of scopes, and that which finds the sets, come to the same."""
    built = build_schema(printed(schema))

    def needed(kind: str, field: str | None) -> tuple[frozenset[str], ...]:
        own = tuple(map(frozenset, schema[kind][0])) if kind in schema else ()
        if field is None:
            return own
        members = {"i": ("Int", []), **schema[kind][2]}
        lock = tuple(map(frozenset, members[field][1]))
        return tuple(one | other for one in own for other in lock) if own and lock else own or lock

    assert isinstance(built.query_type, GraphQLObjectType)
    for scopes in SUBSETS:
        assert reachable(built, needed, scopes) == tried(schema, scopes)


agreements = st.lists(
    st.builds(
        Agreement,
        st.sampled_from(["A", "B"]),
        st.sampled_from(["A", "B"]),
        st.lists(st.sampled_from(["orders", "accounts"]), unique=True).map(tuple),
        st.lists(st.sampled_from(["analytics", "offers"]), unique=True).map(tuple),
    ),
    max_size=3,
).map(tuple)
held_contracts = st.builds(Contract, st.just({"A": "", "B": ""}), st.just({}), agreements)


@given(old=held_contracts, new=held_contracts)
def test_agreements_differ_by_what_may_be_read(old: Contract, new: Contract) -> None:
    """However they are put together."""

    def read(contract: Contract) -> set[tuple[str, str]]:
        return {
            (each.recipient, f"{each.owner}'s {dataset} for {purpose}")
            for each in contract.agreements
            for dataset in each.datasets
            for purpose in each.purposes
        }

    found = contracts(old, new)
    assert {(each.what, each.words.removeprefix("may now read ")) for each in found.widenings} == read(
        new
    ) - read(old)
    assert len(found.narrowings) == len(read(old) - read(new))
