"""What is selected: merging of fields, order of keys, fragments on types and interfaces, @skip and @include."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import pytest
import strawberry

from gateway.engine.batch import batch
from gateway.engine.documents import InvalidDocument
from tests.engine.stage import Stage, said, text


class Pet(NamedTuple):
    kind: Any
    name: str
    sound: str


CAT, DOG = Pet("Cat", "Murka", "meow"), Pet("Dog", "Sharik", "woof")


def given(*pets: Any) -> Any:
    """A batch function that gives a list of these."""
    return lambda parents, access: [list(pets) for _ in parents]


@strawberry.interface
class Named:
    name: str

    @staticmethod
    def type_names(pets: Sequence[Pet]) -> list[Any]:
        return [pet.kind for pet in pets]


@strawberry.interface
class Loud(Named):
    sound: str

    @staticmethod
    def type_names(pets: Sequence[Pet]) -> list[Any]:
        return [pet.kind for pet in pets]


@strawberry.type
class Cat(Named):
    lives: int = batch(lambda pets, access: [9 for _ in pets])
    friends: list[Named] = batch(lambda pets, access: [[DOG, pet] for pet in pets])


@strawberry.type
class Dog(Loud):
    friends: list[Named] = batch(lambda pets, access: [[pet] for pet in pets])


@strawberry.type
class Query:
    pets: list[Named | None] = batch(given(CAT, DOG))
    dogs: list[Named] = batch(given(DOG, DOG))
    loud: list[Loud | None] = batch(given(DOG, CAT, Pet("Fish", "Bul", "")))
    odd: list[Named | None] = batch(given(CAT, Pet(None, "", ""), Pet(ValueError("who?"), "", ""), None))
    one: Cat = batch(lambda parents, access: [CAT])


stage = Stage(Query, types=(Cat, Dog))


async def answer(document: str, **variables: Any) -> str:
    found = await stage.ask(document, variables)
    assert not found.errors
    return text(found.data)


@pytest.mark.parametrize(
    ("document", "data"),
    [
        # The same key from several places is one field, with all that is selected of it.
        (
            "{ one { friends { name } ...A friends { __typename } } } fragment A on Cat { friends { n: name } }",
            '{"one": {"friends": [{"name": "Sharik", "n": "Sharik", "__typename": "Dog"}, '
            '{"name": "Murka", "n": "Murka", "__typename": "Cat"}]}}',
        ),
        # Keys come in the order in which the document first names them.
        (
            "{ one { lives ...A name } } fragment A on Named { z: name lives_: __typename name }",
            '{"one": {"lives": 9, "z": "Murka", "lives_": "Cat", "name": "Murka"}}',
        ),
        ("{ one { b: name a: name name } }", '{"one": {"b": "Murka", "a": "Murka", "name": "Murka"}}'),
        # Each value has what is selected of its own type and of that type's interfaces.
        (
            "{ pets { __typename ... on Cat { lives } ... on Dog { sound } ... on Named { name } } }",
            '{"pets": [{"__typename": "Cat", "lives": 9, "name": "Murka"}, '
            '{"__typename": "Dog", "sound": "woof", "name": "Sharik"}]}',
        ),
        ("{ pets { ... on Loud { sound } } }", '{"pets": [{}, {"sound": "woof"}]}'),
        ("{ dogs { ... on Cat { lives } } }", '{"dogs": [{}, {}]}'),
        # One key may be one field for cats and another one for dogs.
        (
            "{ pets { ... on Cat { x: name } ... on Dog { x: sound } } }",
            '{"pets": [{"x": "Murka"}, {"x": "woof"}]}',
        ),
        (
            "{ pets { ... on Cat { friends { ... on Dog { sound } } } ... on Dog { friends { name } } } }",
            '{"pets": [{"friends": [{"sound": "woof"}, {}]}, {"friends": [{"name": "Sharik"}]}]}',
        ),
        # A fragment that is spread twice adds nothing the second time.
        (
            "{ one { ...A ...B ...A } } fragment A on Cat { lives ...B } fragment B on Named { name }",
            '{"one": {"lives": 9, "name": "Murka"}}',
        ),
    ],
)
async def test_what_an_answer_holds(document: str, data: str) -> None:
    assert await answer(document) == data


SWITCHED = """
query ($yes: Boolean!, $no: Boolean = false) {
  one {
    a: name @skip(if: $yes)
    b: name @skip(if: $no)
    c: name @include(if: $yes)
    d: name @include(if: $no)
    e: name @include(if: $yes) @skip(if: $yes)
    ... @include(if: $no) { f: name }
    ...G @skip(if: $yes)
    ...G @skip(if: $no)
    friends @include(if: false) { name }
    b: name @include(if: true)
  }
}
fragment G on Cat { g: name }
"""


async def test_skip_and_include_decide_by_literals_variables_and_defaults() -> None:
    assert await answer(SWITCHED, yes=True) == '{"one": {"b": "Murka", "c": "Murka", "g": "Murka"}}'
    assert await answer(SWITCHED, yes=False, no=True) == (
        '{"one": {"a": "Murka", "d": "Murka", "f": "Murka", "g": "Murka", "b": "Murka"}}'
    )


async def test_what_is_skipped_is_not_fetched() -> None:
    """Nor does it leave a trace where nothing else is selected."""
    assert await answer("{ one { name @skip(if: true) } odd @include(if: false) { name } }") == '{"one": {}}'
    assert await answer("{ one @skip(if: true) { name } }") == "{}"


async def test_a_switch_that_is_null_is_the_callers_error() -> None:
    with pytest.raises(InvalidDocument) as caught:
        await stage.ask("query ($b: Boolean = true) { one { name @skip(if: $b) } }", {"b": None})
    assert caught.value.code == "BAD_USER_INPUT"
    assert caught.value.errors[0].message == "Variable '$b' is null, where @skip needs true or false."


async def test_a_value_of_a_type_that_cannot_be_there_fails_alone() -> None:
    """The others of its list keep their own types."""
    found = await stage.ask("{ loud { name sound } }")
    assert found.data == {"loud": [{"name": "Sharik", "sound": "woof"}, None, None]}
    assert [error.path for error in found.errors] == [["loud", 1], ["loud", 2]]


async def test_a_type_name_may_be_missing_or_an_error() -> None:
    found = await stage.ask("{ odd { name } }")
    assert found.data == {"odd": [{"name": "Murka"}, None, None, None]}
    assert said(found.errors) == [
        (["odd", 1], "Runtime Object type 'None' is not a possible type for 'Named'."),
        (["odd", 2], "who?"),
    ]
