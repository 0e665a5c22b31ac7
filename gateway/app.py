"""The composition root: the ASGI application, made of settings, connectors and schema. It alone knows everyone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import RedirectResponse
from starlette.routing import BaseRoute, Route
from starlette.types import Lifespan

from gateway.access.agreements import CONTRACT, rights, write_rights
from gateway.access.pseudonyms import pseudonyms
from gateway.access.trusted_documents import TrustedDocuments
from gateway.activations.desk import Desk
from gateway.activations.work import Worker
from gateway.admission.admission import Admission
from gateway.clients.changes import Feed
from gateway.discovery import correspondents, dataset_scopes, declared_runs, discover, example_folders
from gateway.endpoint.connections import Connections
from gateway.endpoint.execution import Execution
from gateway.endpoint.persisted import Persisted
from gateway.endpoint.routes import graphql_routes
from gateway.endpoint.shedding import FLOODS, Floods, Shedding
from gateway.engine.engine import Engine
from gateway.engine.limits import Limits
from gateway.errors import SettingsError
from gateway.graphiql import files
from gateway.graphiql.application import register
from gateway.health import health
from gateway.leaving import leaving
from gateway.logs import RequestLog
from gateway.oauth.issuers import outside_issuers
from gateway.oauth.keys import Keys, signing_keys
from gateway.oauth.nonces import nonces
from gateway.oauth.possession import Possession
from gateway.oauth.registration import Known
from gateway.oauth.revocations import Revocations
from gateway.oauth.routes import routes
from gateway.oauth.verification import Verifier
from gateway.schema import Schema, declared_schema
from gateway.settings import Settings
from gateway.store.database import migrate, writer
from gateway.store.readers import Readers
from gateway.sync.runs import declare
from gateway.telemetry.pulse import pulse
from gateway.upstream.partners import Declared, Partners
from gateway.webhooks.inbox import Inbox
from gateway.webhooks.reception import Reception
from gateway.webhooks.work import Work


def create_app(settings: Settings) -> Starlette:
    """The gateway, ready to be served. Its database must have been prepared (`prepare`)."""
    _check_names(settings.trace_context)
    schema = declared_schema()
    database = writer(settings.database)
    readers = Readers(settings.database, settings.readers)
    keys = signing_keys(settings.state)
    # An engine of its own: nobody who keeps the others busy may keep a worker from what was revoked.
    revocations = Revocations(writer(settings.database))
    trusted = TrustedDocuments(writer(settings.database))
    possession = Possession(database, settings.audience, nonces(settings.state))
    verifier = _verifier(settings, schema, keys, revocations, possession)
    engine = Engine(schema.graphql, Limits(settings.max_tokens, settings.max_depth))
    admission = Admission(settings, writer(settings.database))
    # Likewise: subscribers hear of changes while every other connection is at work.
    feed = Feed(writer(settings.database))
    persisted, names = Persisted(trusted), pseudonyms(settings.state)
    declared = [Declared(each.name, each.terms) for each in discover()]
    partners = Partners(declared, settings.connectors, settings.state)
    desk, worker = _activations(settings, database, readers, partners)
    execution = Execution(
        settings, schema, engine, readers, names, admission, feed, persisted, partners, desk
    )
    connections, floods = Connections(), Floods(admission)
    senders = correspondents(settings)
    # An engine of its own, so that a partner is thanked soon, whoever keeps the others busy.
    post = writer(settings.database)
    work = Work(post, senders)

    beside = (
        revocations.followed,
        trusted.followed,
        admission.opened,
        feed.followed,
        partners.opened,
        work.followed,
        worker.at_work,
        lambda: pulse(revocations.age),
    )
    graphql = graphql_routes(
        settings, verifier, execution, connections, schema, trusted, example_folders(), possession.nonces
    )
    return _application(
        [
            *graphql,
            Route("/webhooks/{name}", Reception(senders, Inbox(post), work.wake)),
            Route("/", lambda _: RedirectResponse("/graphql")),
            *health(database),
            files(),
            *routes(settings, database, keys, schema.scopes, CONTRACT.parties, CONTRACT.purposes),
        ],
        floods,
        _lifespan(readers, database, connections, floods, beside),
    )


def _verifier(
    settings: Settings, schema: Schema, keys: Keys, revocations: Revocations, possession: Possession
) -> Verifier:
    """Knows the callers of our own tokens and of those of the issuers that the operator trusts."""
    known = Known(CONTRACT.parties, schema.scopes, CONTRACT.purposes)
    outside = outside_issuers(settings.issuers, settings.issuer, settings.audience, known)
    return Verifier(
        keys,
        settings.issuer,
        settings.audience,
        revocations=revocations,
        possession=possession,
        outside=outside,
    )


def _lifespan(
    readers: Readers,
    database: AsyncEngine,
    connections: Connections,
    floods: Floods,
    beside: Iterable[Callable[[], AbstractAsyncContextManager[object]]],
) -> Lifespan[Starlette]:
    """What is open while the gateway is served, and what goes on beside the requests."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[Mapping[str, object]]:
        async with AsyncExitStack() as opened:
            opened.push_async_callback(database.dispose)
            await readers.open()
            opened.push_async_callback(readers.close)
            opened.enter_context(leaving.ended_by(connections.end))
            for each in beside:
                await opened.enter_async_context(each())
            yield {FLOODS: floods}

    return lifespan


def _application(found: list[BaseRoute], floods: Floods, lifespan: Lifespan[Starlette]) -> Starlette:
    """All routes in what stands before each of them."""
    middleware = [Middleware(Shedding, floods), Middleware(RequestLog)]
    application = Starlette(routes=found, middleware=middleware, lifespan=lifespan)
    # Such a redirect leads where Host says, and takes a form with a secret along.
    application.router.redirect_slashes = False
    return application


def _activations(
    settings: Settings, database: AsyncEngine, readers: Readers, partners: Partners
) -> tuple[Desk, Worker]:
    """Where audiences are taken on, and who sends them."""
    deliveries = {each.name: each.delivery for each in discover() if each.delivery is not None}
    parties = {each.name: each.party for each in discover() if each.party is not None}
    # An engine of its own: what is on its way waits for nobody.
    worker = Worker(writer(settings.database), readers, partners, deliveries)
    return Desk(database, readers, deliveries, parties, worker.woken.set), worker


def _check_names(trusted: Collection[str]) -> None:
    names = ("callers", *(each.name for each in discover()))
    if unknown := sorted(set(trusted) - set(names)):
        raise SettingsError(f"trace_context names {', '.join(unknown)}; there are {', '.join(names)}")


async def register_graphiql(settings: Settings) -> None:
    """Have GraphiQL among the applications, so that people can sign in at this origin."""
    database = writer(settings.database)
    async with database.begin() as connection:
        await register(connection, settings.audience, declared_schema().scopes, CONTRACT.purposes)
    await database.dispose()


async def prepare(settings: Settings) -> None:
    """Bring the database to the newest form and the agreements to what is declared."""
    migrate(settings.database)
    database = writer(settings.database)
    async with database.begin() as connection:
        await write_rights(connection, rights(CONTRACT, dataset_scopes(discover())))
        await declare(connection, declared_runs())
    await database.dispose()
