"""Routes: what is at `/graphql` and below."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from starlette.routing import BaseRoute, Route, WebSocketRoute

from gateway.access.trusted_documents import TrustedDocuments
from gateway.endpoint.callers import Authenticator
from gateway.endpoint.connections import Connections
from gateway.endpoint.endpoint import Endpoint
from gateway.endpoint.examples import PATH as EXAMPLES
from gateway.endpoint.examples import Examples
from gateway.endpoint.execution import Execution
from gateway.endpoint.printed import PATH as SCHEMA
from gateway.endpoint.printed import PrintedSchema
from gateway.endpoint.sockets import Sockets
from gateway.oauth.nonces import Nonces
from gateway.schema import Schema
from gateway.settings import Settings

ENDPOINT = "/graphql"


def graphql_routes(
    settings: Settings,
    authenticator: Authenticator,
    execution: Execution,
    connections: Connections,
    schema: Schema,
    trusted: TrustedDocuments,
    examples: Mapping[str, Path],
    nonces: Nonces,
) -> list[BaseRoute]:
    """Operations over HTTP and WebSocket, the printed schema, and the examples of these folders.

    `nonces` are offered with each answer over HTTP, for the proofs of tokens that are bound to a key.
    """
    printed = PrintedSchema(schema, authenticator, trusted)
    offered = nonces.offered
    return [
        WebSocketRoute(ENDPOINT, Sockets(settings, authenticator, execution, connections)),
        Route(ENDPOINT, offered(Endpoint(settings, authenticator, execution, connections))),
        Route(ENDPOINT + SCHEMA, offered(printed), methods=["GET"]),
        Route(ENDPOINT + EXAMPLES, offered(Examples(examples, schema, authenticator)), methods=["GET"]),
    ]
