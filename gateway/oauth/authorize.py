"""The authorization endpoint: what an application asks is put to a person, who signs in, sees it, and decides."""

from __future__ import annotations

from dataclasses import dataclass

from authlib.oauth2.rfc6749.errors import InvalidRequestError
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from gateway.oauth.following import serves
from gateway.oauth.forms import Form
from gateway.oauth.refreshes import PUBLIC_REFRESH_LIFETIME, REFRESH_LIFETIME
from gateway.oauth.users import User
from gateway.oauth.visits import CONSENT, SIGN_IN, SIGN_OUT, Endpoint, Reviewed, Visit
from gateway.store.database import immediate


@dataclass(frozen=True, slots=True)
class AuthorizationEndpoint(Endpoint):
    """`GET /oauth/authorize` (RFC 6749, 3.1) shows who must be asked; `POST` is what the person answers."""

    async def answer(self, request: Request, come: Visit, form: Form | None) -> Response:
        """A page, or the browser sent back to its application."""
        if form is None:
            async with self.service.engine.connect() as connection:
                return await connection.run_sync(lambda sync: _put(come, come.review(sync)))
        proven = come.proven(request, form, CONSENT)
        async with immediate(self.service.engine) as connection:
            return await connection.run_sync(lambda sync: _decide(sync, come, form, proven))


def _put(come: Visit, reviewed: Reviewed, stale: bool = False) -> Response:
    """The page that the request needs next."""
    person = reviewed.person
    prompts = come.prompts()
    if "none" in prompts:
        return _unasked(come, person, len(prompts) > 1)
    if person is None or come.wants_sign_in(person):
        return come.show("sign_in", proof=come.proof(SIGN_IN), id="")
    if not serves(come.asked.client, person):
        return _consent(come, person, "stranger", 403)
    return _consent(come, person, "consent", stale=stale)


def _unasked(come: Visit, person: User | None, more: bool) -> Response:
    """The answer where nobody may be asked (OpenID Connect Core, 3.1.2.6): every request needs a person's word."""
    if more:
        return come.back("invalid_request", "The prompt none stands alone.")
    if person is None:
        return come.back("login_required", "Nobody is signed in.")
    return come.back("consent_required", "The person must be asked.")


def _consent(come: Visit, person: User, name: str, status: int = 200, *, stale: bool = False) -> Response:
    public = come.asked.client.authentication == "none"
    return come.show(
        name,
        status,
        stale=stale,
        person=person,
        days=(PUBLIC_REFRESH_LIFETIME if public else REFRESH_LIFETIME).days,
        proof=come.proof(CONSENT),
        leaving=come.proof(SIGN_OUT),
    )


def _decide(connection: Connection, come: Visit, form: Form, proven: bool) -> Response:
    """The answer of the person who is signed in, if the form is from the page that was shown to it."""
    reviewed = come.review(connection)
    if reviewed.person is None or not proven:
        return _put(come, reviewed, stale=True)
    decision = form.get("decision")
    if decision not in ("allow", "deny"):
        raise InvalidRequestError("The decision is to allow or to deny.")
    person = reviewed.person if decision == "allow" else None
    response: Response = reviewed.exchange.create_authorization_response(
        come.asked, grant_user=person, grant=reviewed.grant
    )
    return response
