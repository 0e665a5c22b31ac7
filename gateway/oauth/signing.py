"""Signing in and out: a person's browser gets a session for a password, and loses it when told to."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import update
from starlette.requests import Request
from starlette.responses import Response

from gateway.oauth.forms import Form
from gateway.oauth.passwords import fits, renewed
from gateway.oauth.sessions import begin_session, end_session, hand_out, new_cookie
from gateway.oauth.throttle import MAX_PASSWORDS, Throttled
from gateway.oauth.users import User, find, users
from gateway.oauth.visits import SIGN_IN, SIGN_OUT, Endpoint, Visit
from gateway.store.database import immediate

_WRONG = "This name and password do not go together."


@dataclass(frozen=True, slots=True)
class SignIn(Endpoint):
    """`POST /oauth/sign-in`, with an application's request behind it that goes on when the password is right."""

    async def answer(self, request: Request, come: Visit, form: Form | None) -> Response:
        """Back to the application's request, or the page once more."""
        if form is None:
            return come.again()
        async with self.service.engine.connect() as connection:
            await connection.run_sync(come.review)
        id = form.get("id", "").strip().lower()
        if not come.proven(request, form, SIGN_IN):
            return come.show("sign_in", stale=True, proof=come.proof(SIGN_IN), id=id)
        who, address = f"user:{id}", request.client.host if request.client else ""
        if seconds := self.service.throttle.wait(who, address):
            return _later(come, id, seconds)
        password = form.get("password", "")
        try:
            with self.service.throttle.turn("password", address, MAX_PASSWORDS):
                person = await self._person(id, password)
        except Throttled as throttled:
            return _later(come, id, throttled.seconds)
        if person is None:
            self.service.throttle.failed(who, address)
        # Of many tries at once most were begun before the first had failed: how they end is not told.
        if seconds := self.service.throttle.wait(who, address):
            return _later(come, id, seconds)
        if person is None:
            return come.show("sign_in", 403, notice=_WRONG, proof=come.proof(SIGN_IN), id=id)
        return await self._enter(come, person, password)

    async def _person(self, id: str, password: str) -> User | None:
        """Who this is; the same work for a person that there is not, or that may not sign in."""
        async with self.service.engine.connect() as connection:
            person = await find(connection, id)
        right = await fits(person.password_hash if person else None, password)
        return person if right and person is not None and person.disabled_at is None else None

    async def _enter(self, come: Visit, person: User, password: str) -> Response:
        better = await renewed(person.password_hash, password)
        async with immediate(self.service.engine) as connection:
            same = (
                users.c.id == person.id,
                users.c.password_hash == person.password_hash,
                users.c.disabled_at.is_(None),
            )
            hash = better or person.password_hash
            # Nothing may have changed since the password was looked at.
            changed = await connection.execute(update(users).where(*same).values(password_hash=hash))
            if changed.rowcount != 1:
                return come.show("sign_in", 403, notice=_WRONG, proof=come.proof(SIGN_IN), id=person.id)
            cookie = await connection.run_sync(begin_session, person.id, come.cookie)
        response = come.again(signed_in=True)
        hand_out(response, cookie, come.origin)
        return response


def _later(come: Visit, id: str, seconds: int) -> Response:
    notice = f"Too many tries have failed. Please wait {seconds} seconds."
    response = come.show("sign_in", 429, notice=notice, proof=come.proof(SIGN_IN), id=id)
    response.headers["Retry-After"] = str(seconds)
    return response


@dataclass(frozen=True, slots=True)
class SignOut(Endpoint):
    """`POST /oauth/sign-out`, with an application's request behind it for whoever signs in next."""

    async def answer(self, request: Request, come: Visit, form: Form | None) -> Response:
        """Back to the application's request, as nobody."""
        if form is None or not come.proven(request, form, SIGN_OUT):
            return come.again()
        async with immediate(self.service.engine) as connection:
            await connection.run_sync(end_session, come.cookie)
        left = replace(come, cookie=new_cookie())
        response = left.again()
        hand_out(response, left.cookie, left.origin)
        return response
