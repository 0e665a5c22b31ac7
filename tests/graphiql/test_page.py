"""GraphiQL: the page a browser gets, and that it asks nobody but the gateway."""

from __future__ import annotations

import gzip
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest
from sqlalchemy import update
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

import gateway.graphiql
from gateway.access.agreements import CONTRACT
from gateway.app import register_graphiql
from gateway.graphiql import files, page
from gateway.graphiql.bundle import takes_gzip
from gateway.oauth.applications import add, applications, find
from gateway.oauth.registration import Known
from gateway.schema import declared_schema
from gateway.settings import Settings
from gateway.store.database import writer
from tests.conftest import empty_database

ORIGIN = "http://gateway.test"
STATIC = Path(gateway.graphiql.__file__).parent / "static"
SCRIPTS = sorted(each.name for each in STATIC.glob("*.js"))
OWN = ("index.html", "gateway.css", *SCRIPTS)
HOST = re.compile(r"""(?:https?:|wss?:|["'(`]\s*)//[\w.-]+""", re.IGNORECASE)
IMPORT = re.compile(r"""(?:\bfrom|\bimport)\s*\(?["'`](\.{1,2}/[^"'`]+\.js)""")


class Assets(HTMLParser):
    """What a browser fetches on its own when it reads a page, and what would run or style inline."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.inline: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name = given.get("src") or (given.get("href") if tag == "link" else None)
        if name:
            self.names.append(name)
        if tag == "style" or (tag == "script" and "src" not in given):
            self.inline.append(tag)
        self.inline += [f"{tag} {name}" for name in given if name == "style" or name.startswith("on")]


@pytest.fixture
async def gateway() -> AsyncIterator[httpx.AsyncClient]:
    async def graphiql(_: object) -> Response:
        return page()

    app = Starlette(routes=[Route("/graphql", graphiql), files()])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ORIGIN) as client:
        yield client


async def modules(gateway: httpx.AsyncClient, name: str) -> set[str]:
    """A script and all that it imports."""
    found, pending = set[str](), [name]
    while pending:
        script = pending.pop()
        if script not in found:
            found.add(script)
            text = (await gateway.get(script)).raise_for_status().text
            pending += [str(httpx.URL(script).join(each)) for each in IMPORT.findall(text)]
    return found


def directives(response: httpx.Response) -> dict[str, list[str]]:
    policy = response.headers["content-security-policy"]
    return {name: words for name, *words in (each.split() for each in policy.split(";"))}


async def test_every_asset_the_page_names_is_served_from_its_own_origin(gateway: httpx.AsyncClient) -> None:
    html = (await gateway.get("/graphql")).raise_for_status().text
    names = Assets(html).names
    assert len(names) >= 4
    assert all(name.startswith("/graphiql/") for name in names)
    for name in names:
        response = await gateway.get(name)
        assert response.status_code == 200, name
        assert response.content, name
        assert response.headers["x-content-type-options"] == "nosniff"


async def test_a_script_is_served_as_javascript_and_a_style_as_css(gateway: httpx.AsyncClient) -> None:
    """With nosniff a browser runs nothing that is declared as anything else."""
    for name, kind in (("gateway.js", "javascript"), ("gateway.css", "css"), ("icon.svg", "svg+xml")):
        assert kind in (await gateway.get(f"/graphiql/{name}")).headers["content-type"]


async def test_the_script_and_all_its_imports_are_served(gateway: httpx.AsyncClient) -> None:
    """None of ours lies there without being used, and what it uses of others is among them."""
    found = await modules(gateway, "/graphiql/gateway.js")
    ours = {each for each in found if not each.startswith("/graphiql/vendor/")}
    assert ours == {f"/graphiql/{each}" for each in SCRIPTS}
    assert "/graphiql/vendor/graphiql.js" in found - ours


@pytest.mark.parametrize("name", OWN)
async def test_nothing_of_ours_names_another_host(gateway: httpx.AsyncClient, name: str) -> None:
    path = "/graphql" if name == "index.html" else f"/graphiql/{name}"
    text = (await gateway.get(path)).raise_for_status().text
    assert HOST.findall(text) == []


async def test_the_policy_lets_nothing_in_but_the_gateways_own_files(gateway: httpx.AsyncClient) -> None:
    response = await gateway.get("/graphql")
    policy = directives(response)
    assert policy["default-src"] == ["'none'"]
    assert policy["script-src"] == ["'self'"]
    assert policy["worker-src"] == policy["font-src"] == policy["connect-src"] == ["'self'"]
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == ["'none'"]
    assert "unsafe" not in response.headers["content-security-policy"]
    assert not any(":" in word and word != "data:" for words in policy.values() for word in words)
    assert Assets(response.text).inline == []


async def test_each_page_has_a_nonce_of_its_own(gateway: httpx.AsyncClient) -> None:
    """The nonce in the page is the one its policy names, and no other page has it."""
    nonces = set()
    for _ in range(2):
        response = await gateway.get("/graphql")
        [nonce] = re.findall(r'nonce="([^"]+)"', response.text)
        assert directives(response)["style-src"] == ["'self'", f"'nonce-{nonce}'"]
        nonces.add(nonce)
    assert len(nonces) == 2


async def test_the_page_is_kept_by_no_cache_and_its_files_are_asked_for_anew(
    gateway: httpx.AsyncClient,
) -> None:
    assert (await gateway.get("/graphql")).headers["cache-control"] == "no-store"
    script = await gateway.get("/graphiql/gateway.js")
    assert script.headers["cache-control"] == "no-cache"
    again = await gateway.get("/graphiql/gateway.js", headers={"If-None-Match": script.headers["etag"]})
    assert again.status_code == 304


@pytest.mark.parametrize("name", ["vendor/graphiql.js", "gateway.css", "vendor/codicon.ttf"])
async def test_a_file_is_packed_for_who_takes_it_so(gateway: httpx.AsyncClient, name: str) -> None:
    """The same bytes come of it; who has them gets none again, and each form has a tag of its own."""
    path, tags = f"/graphiql/{name}", set()
    plain = (STATIC / name).read_bytes()
    for accepted in ("gzip, deflate, br", "identity"):
        async with gateway.stream("GET", path, headers={"Accept-Encoding": accepted}) as response:
            raw = b"".join([each async for each in response.aiter_raw()])
        assert int(response.headers["content-length"]) == len(raw)
        assert response.headers["vary"] == "Accept-Encoding"
        if accepted == "identity":
            assert raw == plain
        else:
            assert response.headers["content-encoding"] == "gzip"
            assert len(raw) < 0.7 * len(plain)
            assert gzip.decompress(raw) == plain
        assert response.headers["content-type"].split(";")[0] in ("text/javascript", "text/css", "font/ttf")
        tag = response.headers["etag"]
        again = await gateway.get(path, headers={"Accept-Encoding": accepted, "If-None-Match": tag})
        assert (again.status_code, again.content) == (304, b"")
        tags.add(tag)
    assert len(tags) == 2


async def test_parts_of_a_file_and_what_is_packed_already_come_as_they_are(
    gateway: httpx.AsyncClient,
) -> None:
    packs = {"Accept-Encoding": "gzip"}
    part = await gateway.get("/graphiql/gateway.css", headers={**packs, "Range": "bytes=1-4"})
    assert (part.status_code, part.content) == (206, (STATIC / "gateway.css").read_bytes()[1:5])
    font = await gateway.get("/graphiql/vendor/roboto-latin-400-normal.woff2", headers=packs)
    assert "content-encoding" not in part.headers.keys() | font.headers.keys()


@pytest.mark.parametrize(
    ("header", "taken"),
    [
        ("", False),
        ("identity", False),
        ("gzip", True),
        ("br, GZIP;q=0.5", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000, br", False),
        ("*", True),
        ("x-gzipped", False),
    ],
)
def test_who_takes_it_packed(header: str, taken: bool) -> None:
    assert takes_gzip(header) is taken


@pytest.mark.parametrize(
    "path", ["/graphiql/%2e%2e/index.html", "/graphiql/..%2fbuild/page.js", "/graphiql/"]
)
async def test_nothing_but_the_files_is_served(gateway: httpx.AsyncClient, path: str) -> None:
    assert (await gateway.get(path)).status_code == 404


async def test_a_worker_may_ask_nobody(gateway: httpx.AsyncClient) -> None:
    """A worker has the policy of its own file, not the page's."""
    for name in ("editor", "graphql", "json"):
        worker = (await gateway.get(f"/graphiql/vendor/{name}.worker.js")).raise_for_status()
        assert directives(worker) == {"default-src": ["'none'"], "frame-ancestors": ["'none'"]}


async def test_graphiql_is_an_application_at_its_own_address(tmp_path: Path) -> None:
    """Registered with what there is by now; one that was disabled stays so."""
    settings = Settings(state=tmp_path, origin="https://gateway.example")
    await empty_database(settings)
    await register_graphiql(replace(settings, origin="https://old.example"))
    database = writer(settings.database)
    async with database.begin() as connection:
        await connection.execute(update(applications).values(disabled_at="2026-01-01T00:00:00Z", scopes=""))
    await register_graphiql(settings)
    async with database.connect() as connection:
        found = await find(connection, "graphiql")
    await database.dispose()
    assert found is not None
    assert (found.party, found.authentication, found.secret_hash) == ("*", "none", None)
    assert found.redirect_uris == ("https://gateway.example/graphql",)
    assert found.grant_types == ("authorization_code", "refresh_token")
    assert set(found.scopes) == set(declared_schema().scopes)
    assert found.purposes == tuple(CONTRACT.purposes)
    assert found.disabled_at is not None


async def test_an_application_of_the_same_id_is_left_alone(tmp_path: Path) -> None:
    """Somebody may have had the name before."""
    settings = Settings(state=tmp_path)
    await empty_database(settings)
    known = Known({"ALIBABA"}, set(), {"analytics"})
    database = writer(settings.database)
    async with database.begin() as connection:
        await add(connection, "graphiql", "Theirs", "ALIBABA", [], ["analytics"], known)
    await register_graphiql(settings)
    async with database.connect() as connection:
        found = await find(connection, "graphiql")
    await database.dispose()
    assert found is not None
    assert (found.name, found.party, found.authentication) == ("Theirs", "ALIBABA", "client_secret")


def test_the_pictures_in_readme_are_there_and_small() -> None:
    """`make screenshots` takes them."""
    root = STATIC.parent.parent.parent
    named = re.findall(r"!\[.+\]\((.+)\)", (root / "README.md").read_text())
    assert len(named) >= 2
    assert all((root / each).stat().st_size < 200_000 for each in named)
