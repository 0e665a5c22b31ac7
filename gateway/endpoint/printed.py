"""The caller's own schema as text, for tools that want a file."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from gateway.access.trusted_documents import TrustedDocuments
from gateway.endpoint.answers import refused_answer, text_answer
from gateway.endpoint.callers import Authenticator, sender
from gateway.endpoint.media_types import JSON
from gateway.endpoint.refusals import not_trusted
from gateway.errors import Refusal
from gateway.schema import Schema

PATH = "/schema.graphql"
"""Where it is, below the endpoint."""


class PrintedSchema:
    """`/graphql/schema.graphql`, as an ASGI application: what the token may ask for, with its locks, as SDL."""

    def __init__(self, schema: Schema, authenticator: Authenticator, trusted: TrustedDocuments) -> None:
        self._schema = schema
        self._authenticator = authenticator
        self._trusted = trusted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request: with the text, or with the refusal that an introspection would get too."""
        request = Request(scope, receive)
        try:
            caller = await sender(self._authenticator, request, PATH)
            if self._trusted.of(caller.application).only:
                raise not_trusted()
            # In a thread: what these scopes open is printed once, and that takes a while.
            response = text_answer(await asyncio.to_thread(self._schema.printed, caller.scopes))
        except Refusal as refusal:
            response = refused_answer(refusal, JSON)
        await response(scope, receive, send)
