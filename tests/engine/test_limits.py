"""Limits: a document is measured as if its fragments were spelled out, in time that grows with its text alone."""

from __future__ import annotations

import pytest
from graphql import parse
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.engine.limits import Definition, Excess, Limits, check

WIDE = Limits(tokens=10_000, depth=100, fields=10_000, aliases=10_000, repeats=10**9, root_fields=10_000)
"""Limits that no document here comes near."""


CODES = {"depth": "DEPTH_LIMIT", "aliases": "ALIAS_LIMIT", "stacked": "DIRECTIVE_LIMIT"}


def excess(text: str, **limits: int) -> str | None:
    """The code that a document is refused with under these limits, None where it is not."""
    values = {name: getattr(WIDE, name) for name in Limits.__slots__}
    definitions = [each for each in parse(text).definitions if isinstance(each, Definition)]
    try:
        check(definitions, Limits(**{**values, **limits}))
    except Excess as found:
        return found.code
    return None


@pytest.mark.parametrize(
    ("limit", "count", "text"),
    [
        ("definitions", 3, "query A { a } query B { a } fragment F on T { a }"),
        ("depth", 3, "{ a { ... { b { c } } } }"),
        ("depth", 4, "{ a { ...F } } fragment F on T { b { c { d } } }"),
        ("fields", 4, "{ a { b } ...F ...F } fragment F on T { c }"),
        ("fields", 2, "query A { a } query B { b }"),
        ("aliases", 2, "{ x: a { ...F } } fragment F on T { y: b c }"),
        ("directives", 4, "query ($v: Int @v) { a @f ...F @s } fragment F on T @d { b }"),
        ("stacked", 2, "{ a @f @s b @f }"),
        ("literals", 5, "{ a(x: [1, 2], y: {z: 3}) }"),
        ("variables", 2, "query ($a: Int, $b: Int) { a }"),
        ("root_fields", 3, "{ a ...F } fragment F on T { b c }"),
        ("repeats", 3, "{ a a a }"),
        ("repeats", 3 + 3, "{ a { b } a { b } ...F } fragment F on T { a { b } }"),
        ("repeats", 1 + 6, "{ a { b b } a { b b } }"),
        ("repeats", 0, "{ x: a y: a }"),
        ("repeats", 1, "{ ...F ...F a } fragment F on T { a }"),
    ],
)
def test_each_limit_is_what_may_just_be(limit: str, count: int, text: str) -> None:
    """With one less, the document is refused; other names never share a place."""
    assert excess(text, **{limit: count}) is None
    if count:
        code = CODES.get(limit, f"{limit[:-1].upper()}_LIMIT")
        assert excess(text, **{limit: count - 1}) == code


@pytest.mark.parametrize(
    "text",
    [
        "{ a } { a a }",
        "{ a } query A { a a }",
        "{ a } fragment F on T { a a }",
        "{ ...F } fragment F on T { a a } fragment F on T { a }",
        "{ ...F } fragment F on T { a } fragment F on T { a a }",
    ],
)
def test_what_validation_will_refuse_is_measured_first(text: str) -> None:
    """Several operations without a name, fragments that nothing spreads or of one name: none is a hiding place."""
    assert excess(text, repeats=0) == "REPEAT_LIMIT"


def test_fragments_within_themselves_are_refused_in_words() -> None:
    text = "{ ...A } fragment A on T { a { ...B } } fragment B on T { ...A }"
    assert excess(text) == "GRAPHQL_VALIDATION_FAILED"


@st.composite
def documents(draw: st.DrawFn) -> str:
    """A document whose fragments spread later ones, and aliases now and then."""
    count = draw(st.integers(1, 4))

    def selections(after: int, depth: int) -> str:
        parts = []
        for _ in range(draw(st.integers(1, 3))):
            choice = draw(st.integers(0, 4))
            if choice == 0 and after < count:
                parts.append(f"...F{draw(st.integers(after, count - 1))}")
            elif choice == 1 and depth:
                parts.append(f"... {{ {selections(after, depth - 1)} }}")
            else:
                alias = draw(st.sampled_from(["", "x: ", "y: "]))
                below = f"{{ {selections(after, depth - 1)} }}" if depth and draw(st.booleans()) else ""
                parts.append(f"{alias}{draw(st.sampled_from('ab'))}{below}")
        return " ".join(parts)

    fragments = [f"fragment F{each} on T {{ {selections(each + 1, 2)} }}" for each in range(count)]
    spreads = " ".join(f"...F{each}" for each in range(count))
    return f"{{ {selections(0, 2)} {spreads} }} {' '.join(fragments)}"


@given(documents())
@settings(deadline=None)
def test_what_is_measured_is_what_the_text_spelled_out_has(text: str) -> None:
    """Every count equals that of the same document without a fragment, which is easily counted.

    But a fragment that is spread twice at one place is compared with itself by nobody.
    """
    spelled = counted(parse(spell(text)))
    assert excess(text, repeats=spelled.pop("repeats")) is None
    for limit, count in spelled.items():
        assert excess(text, **{limit: count}) is None, limit
        if count:
            assert excess(text, **{limit: count - 1}) is not None, limit


def spell(text: str) -> str:
    """A document with each spread replaced by an inline fragment."""
    main, *rest = text.split(" fragment ")
    bodies = {each[:2]: each[each.index("{") :] for each in rest}
    for name in sorted(bodies, reverse=True):
        bodies = {other: body.replace(f"...{name}", f"... {bodies[name]}") for other, body in bodies.items()}
        main = main.replace(f"...{name}", f"... {bodies[name]}")
    return main


def counted(spelled: object) -> dict[str, int]:
    """Levels, fields, aliases and repeats of a document without fragments, by the simplest recursion."""
    fields = aliases = 0
    places: dict[tuple[str, ...], int] = {}

    def walk(node: object, path: tuple[str, ...]) -> None:
        nonlocal fields, aliases
        for selection in node.selection_set.selections:  # type: ignore[attr-defined]
            place = path
            if hasattr(selection, "name"):
                fields += 1
                aliases += selection.alias is not None
                place = (*path, (selection.alias or selection.name).value)
                places[place] = places.get(place, 0) + 1
            if selection.selection_set:
                walk(selection, place)

    walk(spelled.definitions[0], ())  # type: ignore[attr-defined]
    repeats = sum(count * (count - 1) // 2 for count in places.values())
    return {"depth": max(map(len, places)), "fields": fields, "aliases": aliases, "repeats": repeats}
