"""Codes: what a person's consent is told an application by, exchanged once for tokens (RFC 6749, 4.1, with PKCE)."""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from authlib.oauth2.rfc6749 import OAuth2Error
from authlib.oauth2.rfc6749.errors import (
    AccessDeniedError,
    InvalidRequestError,
    InvalidScopeError,
    UnauthorizedClientError,
    UnsupportedResponseTypeError,
)
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc7636 import CodeChallenge
from sqlalchemy import Column, Connection, ForeignKey, Index, Text, delete, insert, update

from gateway.oauth.applications import Application, hash_secret
from gateway.oauth.authorizations import Authorization, authorization, begin, end, with_authorization
from gateway.oauth.details import claim, read
from gateway.oauth.following import PERSONAL, follow, serves
from gateway.oauth.narrowing import narrow
from gateway.oauth.redirects import answered
from gateway.oauth.requests import AuthorizationRequest
from gateway.oauth.resources import check_resources
from gateway.oauth.users import User
from gateway.store.tables import Instant, instant, table

CODE_LIFETIME = timedelta(seconds=60)
"""How long a code is good for."""

_KEPT = timedelta(days=1)
"""How long a code is remembered after it ended, so that who replays it is noticed."""

codes = table(
    "codes",
    Column("digest", Text, primary_key=True),
    Column("authorization_id", Text, ForeignKey("authorizations.id"), nullable=False),
    Column("redirect_uri", Text, nullable=False),
    Column("challenge", Text, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("used_at", Instant),
    Index("ix_codes_authorization_id", "authorization_id"),
    Index("ix_codes_expires_at", "expires_at"),
)
"""Authorization codes, each by its SHA-256; `challenge` is PKCE's, by S256."""

_THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class Code:
    """A code at work; its methods are those by which Authlib knows one."""

    authorization: Authorization
    redirect_uri: str
    code_challenge: str

    def get_redirect_uri(self) -> str:
        """The address that the token request must repeat."""
        return self.redirect_uri

    def get_scope(self) -> str:
        """The scopes that were consented to."""
        return " ".join(self.authorization.scopes)


def issue_code(connection: Connection, authorization_id: str, redirect_uri: str, challenge: str) -> str:
    """A code for an authorization."""
    now = datetime.now(UTC)
    connection.execute(delete(codes).where(codes.c.expires_at < instant(now - _KEPT)))
    code = secrets.token_urlsafe(32)
    row = {
        "digest": hash_secret(code),
        "authorization_id": authorization_id,
        "redirect_uri": redirect_uri,
        "challenge": challenge,
        "expires_at": instant(now + CODE_LIFETIME),
    }
    connection.execute(insert(codes).values(row))
    return code


def claim_code(connection: Connection, code: str, application: str) -> Code | None:
    """Use a code up: what it stands for, or None if it is none of the application's, or expired, or used.

    Of many who claim it at once one gets it, in any worker. A used one ends its authorization: somebody has stolen it,
    and nobody knows who of the two was the thief (RFC 9700, 2.1.1).
    """
    digest, now = hash_secret(code), instant(datetime.now(UTC))
    found = connection.execute(with_authorization(codes).where(codes.c.digest == digest)).one_or_none()
    if found is None or found.of_application_id != application:
        return None
    unused = codes.c.digest == digest, codes.c.used_at.is_(None), codes.c.expires_at > now
    if connection.execute(update(codes).where(*unused).values(used_at=now)).rowcount == 1:
        return Code(authorization(found), found.redirect_uri, found.challenge)
    if found.used_at is not None or found.expires_at > now:
        end(connection, found.authorization_id)
    return None


class S256(CodeChallenge):  # type: ignore[misc]
    """PKCE by S256 (RFC 7636), which every application must use; a challenge in plain is as good as none."""

    DEFAULT_CODE_CHALLENGE_METHOD = "S256"
    SUPPORTED_CODE_CHALLENGE_METHOD = ("S256",)

    def validate_code_challenge(self, grant: AuthorizationCode, redirect_uri: str) -> None:
        """The challenge of an authorization request. Raises `InvalidRequestError`."""
        form = grant.request.form
        if form.get("code_challenge_method") != "S256":
            raise InvalidRequestError("The code_challenge_method must be S256.")
        # A SHA-256 in base64url is never longer or shorter.
        if not _THUMBPRINT.fullmatch(form.get("code_challenge", "")):
            raise InvalidRequestError("The code_challenge must be 43 characters of base64url.")

    def get_authorization_code_challenge_method(self, code: Code) -> str:
        """There is but one."""
        return "S256"


class AuthorizationCode(AuthorizationCodeGrant):  # type: ignore[misc]
    """The authorization code grant for the party of the person who signs in."""

    TOKEN_ENDPOINT_AUTH_METHODS = PERSONAL

    request: Any

    @classmethod
    def check_authorization_endpoint(cls, request: AuthorizationRequest) -> bool:
        """Every request: which of them are good is said below, once it is known where to say it."""
        return True

    def validate_authorization_request(self) -> str:
        """Hold a request to what the application, and the person if one is signed in, may ask for.

        Returns the address for the answer. Raises `OAuth2Error`, and until the application and its address are known
        it has no `redirect_uri`: a browser is not sent where a stranger says.
        """
        form = self.request.form
        application: Application = self.server.query_client(form.get("client_id", ""))
        address: str = form.get("redirect_uri", "")
        if not application.check_redirect_uri(address):
            raise InvalidRequestError("No application of this client_id has registered this redirect_uri.")
        self.request.client = application
        try:
            self._check(application)
            self.execute_hook("after_validate_authorization_request_payload", address)
            self._settle(application, self.request.user)
        except OAuth2Error as error:
            error.redirect_uri = address
            raise
        return address

    def _check(self, application: Application) -> None:
        form = self.request.form
        if not application.check_grant_type(self.GRANT_TYPE):
            raise UnauthorizedClientError
        if "response_type" not in form:
            raise InvalidRequestError("The parameter response_type is missing.")
        if form["response_type"] != "code":
            raise UnsupportedResponseTypeError("")
        if form.get("response_mode", "query") != "query":
            raise InvalidRequestError("The only response_mode is query.")
        for name in ("request", "request_uri"):
            if name in form:
                raise OAuth2Error(f"The parameter {name} is not supported.", error=f"{name}_not_supported")
        check_resources(form.resources, self.server.service.audience)
        if "authorization_details" in form:
            read(form["authorization_details"])

    def _settle(self, application: Application, person: User | None) -> None:
        """Write on the request what is to be granted: scopes, purpose, datasets and key."""
        request, form = self.request, dict(self.request.form)
        known = person if person is not None and serves(application, person) else None
        may = [each for each in application.scopes if known is None or each in known.scopes]
        asked = form["scope"].split(" ") if "scope" in form else may
        if not asked or not set(asked) <= set(may):
            raise InvalidScopeError
        request.scope = " ".join(sorted(set(asked)))
        purposes = [each for each in application.purposes if known is None or each in known.purposes]
        if form.get("purpose", *purposes[:1]) not in purposes:
            raise InvalidRequestError("The purpose is not one that the application and the person both have.")
        if known is None:
            # Whose rights the details must be among is known when somebody has signed in.
            form.pop("authorization_details", None)
        party = known.party if known else application.party
        request.purpose, request.datasets = narrow(self.server.connection, form, party, asked, purposes)
        request.key = form.get("dpop_jkt")
        if request.key is not None and not _THUMBPRINT.fullmatch(request.key):
            raise InvalidRequestError("The dpop_jkt must be a thumbprint of SHA-256 in base64url.")

    def create_authorization_response(self, redirect_uri: str, grant_user: User | None) -> tuple[Any, ...]:
        """The answer to what the person decided: a code, or `access_denied` where `grant_user` is None."""
        request = self.request
        if grant_user is None or not serves(request.client, grant_user):
            raise AccessDeniedError("The person said no.", redirect_uri=redirect_uri)
        connection = self.server.connection
        scopes, datasets = request.scope.split(), request.datasets
        details = None if datasets is None else json.dumps(claim(datasets, request.purpose))
        id = begin(
            connection, request.client.id, grant_user.id, scopes, request.purpose, details, request.key
        )
        code = issue_code(connection, id, redirect_uri, request.form["code_challenge"])
        sent = {"code": code, "state": request.form.get("state"), "iss": self.server.service.issuer}
        return 303, "", [("Location", answered(redirect_uri, sent))]

    def query_authorization_code(self, code: str, client: Application) -> Code | None:
        """What the code stands for; it is used up, whatever else comes of the request."""
        return claim_code(self.server.connection, code, client.id)

    def delete_authorization_code(self, code: Code) -> None:
        """It is kept, used up, so that its second use is noticed."""

    def authenticate_user(self, code: Code) -> User | None:
        """The person who consented, if the authorization still stands; the request is granted what it says."""
        return follow(self.server.connection, self.request, code.authorization, first=True)
