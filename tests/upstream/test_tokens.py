"""A partner's token: one for all workers, renewed once, kept before it is used."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.errors import Kind, PartnerError
from gateway.upstream.tokens import Token
from gateway.upstream.upstream import Upstream
from tests.upstream.test_quotas import Clock

SETTINGS = {"url": "http://127.0.0.1:1", "client_id": "7"}


class Bank:
    """Grants tokens, and counts what it was asked."""

    def __init__(self, life: float | None = None) -> None:
        self.granted: list[str] = []
        self.clock = Clock()
        self.dead: set[str] = set()
        self._life = life

    def worker(self, folder: Path | None, **settings: str) -> Upstream:
        """One of the processes that share a folder."""
        return Upstream("bank", {**SETTINGS, **settings}, state=folder, clock=self.clock)

    async def acquire(self, upstream: Upstream) -> Token:
        """A new token, after a while."""
        return await self._grant("acquired")

    async def refresh(self, upstream: Upstream, token: Token) -> Token:
        """One in place of another, which is dead from then on."""
        if token.refresh in self.dead:
            raise PartnerError(Kind.AUTH, "the refresh token was deleted")
        self.dead.add(str(token.refresh))
        return await self._grant("refreshed")

    async def _grant(self, how: str) -> Token:
        await asyncio.sleep(0.03)
        self.granted.append(how)
        number = len(self.granted)
        ends = self.clock.now + self._life if self._life else None
        return Token(f"a{number}", f"r{number}", ends)

    async def ask(self, upstream: Upstream, refused: str | None = None) -> str:
        """The access token that a caller gets."""
        found = await upstream.token("orders", self.acquire, self.refresh, refused)
        return found.access


async def test_all_workers_share_one_token(tmp_path: Path) -> None:
    """However many ask at once, and whoever asks later."""
    bank = Bank()
    workers = [bank.worker(tmp_path / "partners") for _ in range(3)]
    assert await asyncio.gather(*(bank.ask(each) for each in workers for _ in range(4))) == ["a1"] * 12
    assert await bank.ask(bank.worker(tmp_path / "partners")) == "a1"
    assert bank.granted == ["acquired"]


async def test_a_token_that_was_refused_is_refreshed_once_for_all(tmp_path: Path) -> None:
    """A second refresh would kill the token of the first; who was refused with an older one takes the new one."""
    bank = Bank()
    workers = [bank.worker(tmp_path) for _ in range(3)]
    await bank.ask(workers[0])
    assert await asyncio.gather(*(bank.ask(each, "a1") for each in workers for _ in range(2))) == ["a2"] * 6
    assert await bank.ask(workers[1], "a1") == "a2"
    assert bank.granted == ["acquired", "refreshed"]


async def test_a_refresh_token_that_is_gone_leads_to_a_new_grant() -> None:
    """Partners sweep tokens away."""
    bank = Bank()
    worker = bank.worker(None)
    bank.dead.add("r1")
    assert [await bank.ask(worker), await bank.ask(worker, "a1")] == ["a1", "a2"]
    assert bank.granted == ["acquired", "acquired"]


@pytest.mark.parametrize(("passed", "renewed"), [(800, False), (3_545, True), (4_000, True)])
async def test_a_token_is_renewed_before_its_end(passed: float, renewed: bool) -> None:
    """Not while it lasts, and not only when it is refused."""
    bank = Bank(life=3_600)
    worker = bank.worker(None)
    await bank.ask(worker)
    bank.clock.now += passed
    assert await bank.ask(worker) == ("a2" if renewed else "a1")


async def test_a_renewal_goes_on_when_its_caller_hangs_up(tmp_path: Path) -> None:
    """What the partner granted is kept: the next one uses it."""
    bank = Bank()
    async with bank.worker(tmp_path) as worker:
        asking = asyncio.ensure_future(bank.ask(worker))
        await asyncio.sleep(0.01)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
    assert await bank.ask(bank.worker(tmp_path)) == "a1"
    assert bank.granted == ["acquired"]


async def test_a_token_is_for_its_owners_eyes(tmp_path: Path) -> None:
    """In files of mode 0600, in no text; and for its client of the partner alone."""
    bank = Bank()
    worker = bank.worker(tmp_path)
    token = await worker.token("orders", bank.acquire)
    files = await asyncio.to_thread(lambda: list(tmp_path.iterdir()))
    assert {each.stat().st_mode & 0o077 for each in files} == {0}
    assert "a1" not in repr(token)
    assert "orders" not in str(files)
    assert await bank.ask(bank.worker(tmp_path, client_id="8")) == "a2"


async def test_a_failure_is_told_to_all_who_wait_and_not_kept() -> None:
    """The next one asks again."""
    bank, worker = Bank(), Bank().worker(None)

    async def refuse(upstream: Upstream) -> Token:
        await asyncio.sleep(0)
        raise PartnerError(Kind.AUTH, "limit reached", code="limit_reached")

    asking = [worker.token("orders", refuse) for _ in range(3)]
    found = await asyncio.gather(*asking, return_exceptions=True)
    assert [getattr(each, "code", None) for each in found] == ["limit_reached"] * 3
    assert (await worker.token("orders", bank.acquire)).access == "a1"
