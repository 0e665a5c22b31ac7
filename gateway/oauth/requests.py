"""Requests, as Authlib is given them: read already, and with what they are granted written on them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from authlib.oauth2.rfc6749 import OAuth2Request
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from starlette.datastructures import Headers

if TYPE_CHECKING:
    from gateway.oauth.authorizations import Authorization
    from gateway.oauth.dpop import Proof
    from gateway.oauth.forms import Form


class TokenRequest(OAuth2Request):  # type: ignore[misc]
    """A request whose form has been read. Its address is the issuer's own, whatever Host says.

    What the token shall hold beside its scopes is written here as it is settled: the purpose, the (party, dataset)
    pairs it is narrowed to, the thumbprint of the key it is bound to, and the authorization it follows from, whole
    where refresh tokens follow too. `client_claimed` is who asks, as far as it says so itself, and `address` where it
    asks from; `proof` is that of the key.
    """

    client_claimed: str = ""
    address: str = ""

    purpose: str
    datasets: frozenset[tuple[str, str]] | None = None
    key: str | None = None
    grant: str | None = None
    proof: Proof | None = None
    authorization: Authorization

    def __init__(self, uri: str, headers: Headers, form: Mapping[str, str]) -> None:
        super().__init__("POST", uri, headers=headers)
        self.payload = BasicOAuth2Payload(form)

    @property
    def form(self) -> Mapping[str, str]:
        """The parameters of the body; those of a query string are never heard."""
        return self.payload.data  # type: ignore[no-any-return]


class AuthorizationRequest(OAuth2Request):  # type: ignore[misc]
    """What an application's browser comes with to have a person decide (RFC 6749, 4.1.1).

    As it is settled, what the authorization shall hold is written here: the purpose, the (party, dataset) pairs it is
    narrowed to, and the thumbprint of the key that its tokens shall be bound to.
    """

    purpose: str
    datasets: frozenset[tuple[str, str]] | None = None
    key: str | None = None

    def __init__(self, uri: str, form: Form) -> None:
        super().__init__("GET", uri)
        self.payload = BasicOAuth2Payload(form)

    @property
    def form(self) -> Form:
        """The parameters of the query string."""
        return self.payload.data  # type: ignore[no-any-return]
