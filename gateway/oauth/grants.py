"""Grants: the ways to a token, each checked by Authlib and narrowed to one purpose."""

from __future__ import annotations

from authlib.oauth2.rfc6749.errors import InvalidRequestError
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant

from gateway.oauth.applications import Application

CONFIDENTIAL = ("client_secret_basic", "client_secret_post")
"""How an application that can keep a secret authenticates."""


class ClientCredentials(ClientCredentialsGrant):  # type: ignore[misc]
    """The client credentials grant (RFC 6749, 4.4), with the purpose that the token shall be for."""

    TOKEN_ENDPOINT_AUTH_METHODS = CONFIDENTIAL

    def validate_token_request(self) -> None:
        """Authenticate the application and take the purpose asked for, or its first."""
        super().validate_token_request()
        application: Application = self.request.client
        self.request.purpose = self.request.form.get("purpose", application.purposes[0])
        if self.request.purpose not in application.purposes:
            raise InvalidRequestError("The purpose is not one of the application's.")
