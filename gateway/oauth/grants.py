"""Grants: the ways to a token, each checked by Authlib and narrowed to one purpose and the datasets asked for."""

from __future__ import annotations

from authlib.oauth2.rfc6749.errors import InvalidScopeError
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant

from gateway.oauth.applications import Application
from gateway.oauth.narrowing import narrow

CONFIDENTIAL = ("client_secret_basic", "client_secret_post", "private_key_jwt")
"""How an application that can keep a secret authenticates, at every endpoint."""


class ClientCredentials(ClientCredentialsGrant):  # type: ignore[misc]
    """The client credentials grant (RFC 6749, 4.4), with the purpose and the datasets that the token shall be for."""

    TOKEN_ENDPOINT_AUTH_METHODS = CONFIDENTIAL

    def validate_token_request(self) -> None:
        """Authenticate the application and take what it asks for: scopes, one purpose, perhaps fewer datasets."""
        super().validate_token_request()
        application: Application = self.request.client
        scope = application.get_allowed_scope(self.request.payload.scope)
        if scope is None:
            raise InvalidScopeError()
        self.request.purpose, self.request.datasets = narrow(
            self.server.connection, self.request.form, application.party, scope.split(), application.purposes
        )
