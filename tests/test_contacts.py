"""Contacts: two copies of one address, number or name come out the same; different ones do not."""

from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mimesis.random import Random

from gateway.clients.contacts import name_key, normal_email, normal_phone
from gateway.demo.people import people
from gateway.demo.spellings import EVERYDAY, PASSPORT, as_typed, romanized


@pytest.mark.parametrize(
    ("text", "normal", "digest"),
    [
        (
            "JANESaoirse@gmail.com",
            "janesaoirse@gmail.com",
            "ku4mBX7Z3qJTXWyLFB1INzkyR2WZGW4ANSJUiW21iI8=",
        ),
        ("MyEmail@example.com", "myemail@example.com", "FsGNM28LJQ8OLZB0Us65ZYp07NrovJSGTCMSKnLMJ6U="),
    ],
)
def test_emails_are_normalised_as_uid2_publishes(text: str, normal: str, digest: str) -> None:
    assert normal_email(text) == normal
    assert base64.b64encode(hashlib.sha256(normal.encode()).digest()).decode() == digest


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("  Jane.Saoirse+tag@GMAIL.com ", "janesaoirse@gmail.com"),
        ("jane.saoirse+tag@mail.ru", "jane.saoirse+tag@mail.ru"),
        ("jane@bk.ru", "jane@bk.ru"),
        ("+tag@gmail.com", None),
        ("...@gmail.com", None),
        ("jane", None),
        ("jane@localhost", None),
        ("a@b@c.ru", None),
        ("", None),
        (None, None),
    ],
)
def test_emails_differ_only_where_mailboxes_do(text: str | None, normal: str | None) -> None:
    assert normal_email(text) == normal


@pytest.mark.parametrize(
    ("text", "region", "normal"),
    [
        ("8 (916) 123-45-67", "RU", "+79161234567"),
        ("+7 916 123-45-67", "RU", "+79161234567"),
        ("916 1234567", "RU", "+79161234567"),
        ("138 0013 8000", "CN", "+8613800138000"),
        ("+86 138 0013 8000", "RU", "+8613800138000"),
        ("+7 701 234 56 78", "RU", "+77012345678"),
        ("+7 000 000-00-00", "RU", None),
        ("12345", "RU", None),
        ("none", "RU", None),
        ("", "RU", None),
        (None, "RU", None),
    ],
)
def test_phones_become_e164(text: str | None, region: str, normal: str | None) -> None:
    assert normal_phone(text, region) == normal


@pytest.mark.parametrize(
    ("cyrillic", "latin"),
    [
        ("Юлия Щукина", "Yulia Shchukina"),
        ("Юлия Щукина", "SHCHUKINA IULIIA"),
        ("Алексей Хрущёв", "Hruschev Alexey"),
        ("Фёдор Григорьев", "Fyodor Grigoryev"),
        ("Софья Мальцева", "Sofia Maltseva"),
        ("Николай Римский-Корсаков", "Nikolai Rimsky Korsakov"),
        ("Виктор Цой", "Victor Tsoy"),
        ("Ярослава Съедобная", "Iaroslava Sieedobnaia"),
    ],
)
def test_a_name_agrees_with_its_usual_latin_spellings(cyrillic: str, latin: str) -> None:
    assert name_key(cyrillic) == name_key(latin) is not None


@pytest.mark.parametrize("other", ["Юлий Щукин", "Ульяна Щукина", "Юлия Щукина-Бах", "Юлия"])
def test_different_names_do_not_agree(other: str) -> None:
    assert name_key(other) != name_key("Юлия Щукина")


def test_every_generated_name_agrees_with_both_transliterations() -> None:
    for person in people(range(1, 501)).values():
        keys = {name_key(person.name), *(name_key(romanized(person.name, t)) for t in (PASSPORT, EVERYDAY))}
        assert len(keys) == 1, person.name


def test_typing_style_changes_no_address() -> None:
    for person in people(range(1, 501)).values():
        assert normal_email(as_typed(person.email, Random(person.number))) == person.email


@settings(deadline=None)
@given(st.one_of(st.text(), st.emails()))
def test_a_normal_email_stays_as_it_is(text: str) -> None:
    once = normal_email(text)
    assert once is None or normal_email(once) == once


@settings(deadline=None)
@given(st.one_of(st.text(), st.from_regex(r"(\+7|8)?[ (-]{0,2}9\d{2}[) -]{0,2}\d{3}-?\d{2}-?\d{2}")))
def test_a_normal_phone_stays_as_it_is_in_any_region(text: str) -> None:
    once = normal_phone(text)
    assert once is None or (normal_phone(once) == normal_phone(once, "CN") == once and len(once) <= 16)


@settings(deadline=None)
@given(
    st.one_of(
        st.text(), st.text("абвгдеёжзийклмнопрстуфхцчшщъыьэюя -", min_size=1), st.text("abcxyjiektszhw ")
    )
)
def test_a_name_key_stays_as_it_is(text: str) -> None:
    once = name_key(text)
    assert once is None or name_key(once) == once
