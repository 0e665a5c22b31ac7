"""GraphQL over HTTP: the path of a request, in the order it is walked."""

from __future__ import annotations

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.admission.tickets import TICKET, Ticket
from gateway.endpoint.answers import answer, invalid_answer, methods_answer, refused_answer
from gateway.endpoint.callers import Authenticator, sender
from gateway.endpoint.connections import Connections, first
from gateway.endpoint.execution import Execution
from gateway.endpoint.media_types import EVENTS, HTML, JSON, media_type
from gateway.endpoint.operations import METHODS, Operation, read_operation
from gateway.endpoint.streams import Streams
from gateway.engine.documents import InvalidDocument
from gateway.engine.run import Result
from gateway.errors import Refusal
from gateway.graphiql import page
from gateway.oauth.tokens import Caller
from gateway.settings import Settings
from gateway.telemetry.notes import note
from gateway.telemetry.tracing import phase


class Endpoint:
    """`/graphql`, as an ASGI application.

    The methods and the page are for everybody; an operation is for who has a token. It comes in a header that no image,
    link or form of another site can send, and no cookie is ever read here: a request that a browser was tricked into
    has no caller. Nor does any answer let the scripts of another origin in, so they never get to send a header.
    """

    def __init__(
        self,
        settings: Settings,
        authenticator: Authenticator,
        execution: Execution,
        connections: Connections,
    ) -> None:
        self._settings = settings
        self._authenticator = authenticator
        self._execution = execution
        self._streams = Streams(authenticator, execution, connections)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; what is refused or invalid as a whole becomes an answer here."""
        request = Request(scope, receive)
        kind = JSON
        try:
            if request.method == "OPTIONS":
                response = methods_answer(METHODS)
            else:
                kind = media_type(request.method, ",".join(request.headers.getlist("accept")))
                if kind == EVENTS:
                    kind = JSON
                    await self._stream(request, send)
                    return
                response = page() if kind == HTML else await self.graphql(request, kind)
        except Refusal as refusal:
            response = refused_answer(refusal, kind)
        except InvalidDocument as invalid:
            response = invalid_answer(invalid, kind)
        except ClientDisconnect:
            note(outcome="cancelled")
            return
        if (ticket := scope.get(TICKET)) is not None:
            response.raw_headers += ticket.headers
        await response(scope, receive, send)

    async def graphql(self, request: Request, kind: str) -> Response:
        """The path of a request. Raises `Refusal`, `InvalidDocument`, or `ClientDisconnect` when nobody waits."""
        caller, ticket = await self._knock(request)
        with ticket:
            operation = await self._read(request)
            result = await self._run(request, caller, operation, ticket)
        with phase("answer"):
            return answer(result, kind, request.scope.get("request_id"))

    async def _stream(self, request: Request, send: Send) -> None:
        """The same path, up to an answer that goes out as it comes."""
        caller, ticket = await self._knock(request)
        with ticket:
            operation = await self._read(request)
            await self._streams.answer(request, send, caller, operation, ticket)

    async def _knock(self, request: Request) -> tuple[Caller, Ticket]:
        """Who asks, and the ticket to be let in by, which also tells whoever answers what the caller has left."""
        caller = await sender(self._authenticator, request)
        ticket = request.scope[TICKET] = self._execution.admission.ticket(caller.application)
        return caller, ticket

    async def _read(self, request: Request) -> Operation:
        return await read_operation(request, self._settings.max_body, self._settings.deadline)

    async def _run(self, request: Request, caller: Caller, operation: Operation, ticket: Ticket) -> Result:
        """Run the operation; a caller who hangs up stops it."""
        done = await first(self._execution.execute(caller, operation, ticket), request.receive())
        if 0 not in done:
            raise ClientDisconnect
        result: Result = done[0]
        return result
