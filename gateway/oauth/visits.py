"""Visits: browsers that applications send with a request, the person who may be signed in there, and their pages."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

from authlib.oauth2.rfc6749 import OAuth2Error
from authlib.oauth2.rfc6749.errors import InvalidRequestError
from sqlalchemy import Connection
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.oauth.answers import described, redirect, sent_back
from gateway.oauth.forms import MAX_FORM, Form, parameters, read_form
from gateway.oauth.pages import page
from gateway.oauth.redirects import target
from gateway.oauth.requests import AuthorizationRequest
from gateway.oauth.server import Exchange, Service
from gateway.oauth.sessions import hand_out, new_cookie, presented, proof, proves, signed_in
from gateway.oauth.users import User, lookup

SIGN_IN = "sign-in"
CONSENT = "consent"
SIGN_OUT = "sign-out"

_METHODS = ("GET", "HEAD", "POST")

_AGAIN = {"login", "select_account"}
"""The prompts (OpenID Connect Core, 3.1.2.1) at which a person signs in although one is signed in."""

_STALE = "This page was open for too long, or your browser keeps no cookies. Please try again."


class Reviewed(NamedTuple):
    """A request that may be put to a person, checked for the one who is signed in, if any."""

    exchange: Exchange
    grant: Any
    person: User | None


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of a browser; `cookie` is what it presented, or will have from now on."""

    service: Service
    asked: AuthorizationRequest
    cookie: str
    fresh: bool

    @property
    def origin(self) -> str:
        """The scheme and host that browsers know the gateway by."""
        return urlsplit(self.service.issuer)._replace(path="").geturl()

    def address(self, path: str, query: str | None = None) -> str:
        """One of the service's own addresses, with the application's request behind it."""
        return f"{urlsplit(self.service.issuer).path}/{path}?{self.query if query is None else query}"

    @property
    def query(self) -> str:
        """The application's request, in one order however it was sent."""
        form = self.asked.form
        pairs = [(name, value) for name, value in sorted(form.items()) if name != "resource"]
        return urlencode([*pairs, *(("resource", each) for each in form.resources)])

    def prompts(self) -> set[str]:
        """How the application wants the person to be asked."""
        return set(self.asked.form.get("prompt", "").split())

    def again(self, signed_in: bool = False) -> Response:
        """Sends the browser to the beginning; who has just been `signed_in` need not do it once more."""
        rest = " ".join(sorted(self.prompts() - (_AGAIN if signed_in else set())))
        form = Form([(name, value) for name, value in self.asked.form.items() if name != "prompt"])
        form.resources = self.asked.form.resources
        if rest:
            form["prompt"] = rest
        answer = Visit(self.service, AuthorizationRequest(self.asked.uri, form), self.cookie, self.fresh)
        return Response(
            status_code=303, headers={"Location": answer.address("authorize"), "Cache-Control": "no-store"}
        )

    def review(self, connection: Connection) -> Reviewed:
        """Check the request. Raises `OAuth2Error`, with a `redirect_uri` where the application can be told."""
        found = None if self.fresh else signed_in(connection, self.cookie)
        person = None if found is None else lookup(connection, found)
        if person is not None and person.disabled_at is not None:
            person = None
        exchange = Exchange(self.service, connection, self.asked)
        grant = exchange.get_consent_grant(self.asked, end_user=person)
        return Reviewed(exchange, grant, person)

    def wants_sign_in(self, person: User | None) -> bool:
        """Whether a person must sign in first."""
        return person is None or bool(self.prompts() & _AGAIN)

    def back(self, error: str, description: str) -> Response:
        """Tells the application, whose address has been checked, that nothing comes of its request."""
        form = self.asked.form
        told = {"error": error, "error_description": description, "state": form.get("state")}
        return redirect(form["redirect_uri"], **told, iss=self.service.issuer)

    def proven(self, request: Request, form: Form, which: str) -> bool:
        """Whether a form comes from the page that was made for this browser."""
        # Browsers say it themselves, where the address is one that they trust.
        if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
            return False
        return not self.fresh and proves(form.get("proof"), self.cookie, self._form(which))

    def show(self, name: str, status: int = 200, *, stale: bool = False, **values: Any) -> Response:
        """A page of a known application's request."""
        response = page(
            name,
            403 if stale else status,
            target(self.asked.form["redirect_uri"]),
            visit=self,
            application=self.asked.client,
            words=self.service.words,
            notice=_STALE if stale else values.pop("notice", None),
            **values,
        )
        if self.fresh:
            hand_out(response, self.cookie, self.origin)
        return response

    def proof(self, which: str) -> str:
        """What that form carries."""
        return proof(self.cookie, self._form(which))

    def _form(self, which: str) -> str:
        # What a person says to one request is not said to any other.
        return f"{which} {self.query}" if which == CONSENT else which


def visit(service: Service, request: Request) -> Visit:
    """What a browser comes with. Raises `InvalidRequestError` for a request that cannot be read."""
    coded: bytes = request.scope["query_string"]
    if len(coded) > MAX_FORM:
        raise InvalidRequestError("The request is too long.", status_code=414)
    asked = AuthorizationRequest(f"{service.issuer}/authorize", parameters(coded))
    cookie = presented(request, urlsplit(service.issuer)._replace(path="").geturl())
    return Visit(service, asked, cookie or new_cookie(), fresh=cookie is None)


@dataclass(frozen=True, slots=True)
class Endpoint(ABC):
    """An address that browsers come to, an ASGI application; whatever goes wrong is said on a page."""

    service: Service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except OAuth2Error as error:
            response = self._refused(error)
        except (TimeoutError, PoolTimeout):
            response = page("problem", 503, words="The gateway is busy. Please try again in a moment.")
            response.headers["Retry-After"] = "5"
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if request.method not in _METHODS:
            raise InvalidRequestError("A browser comes with GET or POST.", status_code=405)
        form = await read_form(request) if request.method == "POST" else None
        return await self.answer(request, visit(self.service, request), form)

    def _refused(self, error: OAuth2Error) -> Response:
        if error.redirect_uri:
            return sent_back(error, self.service.issuer)
        response = page("problem", error.status_code, words=described(error))
        if error.status_code == 405:
            response.headers["Allow"] = ", ".join(_METHODS)
        return response

    @abstractmethod
    async def answer(self, request: Request, come: Visit, form: Form | None) -> Response:
        """The answer to one request; `form` is what was posted. Raises `OAuth2Error`, TimeoutError."""
