"""How pulls fare: told to who may know of the party's datasets, by GraphQL and on the command line, and no row more."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from gateway.__main__ import app
from gateway.discovery import declared_runs
from gateway.errors import Kind, PartnerError
from gateway.store.database import writer
from gateway.sync.datasets import Batch, Dataset
from gateway.sync.pull import pull
from gateway.sync.rounds import Source, pull_all
from gateway.sync.runs import fail
from gateway.upstream.terms import Allowance, Terms
from tests.conftest import Gateway

ASK = "{ syncStatus { connector dataset pulledAt records deadLetters running failure { kind at retryAt } } }"


def of(name: str, answer: dict[str, list[dict[str, object]]], dataset: str = "orders") -> dict[str, object]:
    """One dataset's status."""
    [found] = [
        each for each in answer["syncStatus"] if (each["connector"], each["dataset"]) == (name, dataset)
    ]
    return found


async def asked(gateway: Gateway, party: str = "ALIBABA") -> dict[str, list[dict[str, object]]]:
    """The answer to `ASK`."""
    answer = await gateway.ask(ASK, party, "ops:read")
    assert "errors" not in answer
    return answer["data"]  # type: ignore[no-any-return]


async def test_a_party_sees_how_its_own_datasets_fare_and_public_ones(gateway: Gateway) -> None:
    """Each that is declared, pulled or not; of another's not that there is one, whatever that one's data are agreed."""
    for party, own in (("ALIBABA", {"alibaba"}), ("MAILRU", {"mailru"})):
        found = await asked(gateway, party)
        names = {(each["connector"], each["dataset"]) for each in found["syncStatus"]}
        declared = {each[:2] for each in declared_runs() if each.party == party}
        assert declared <= names
        assert not {name for name, _ in names} & ({"alibaba", "mailru", "fund", "bank"} - own)
        assert of(*own, found) == {
            **dict.fromkeys(("pulledAt", "failure")),
            "connector": min(own),
            "dataset": "orders",
            "records": 0,
            "deadLetters": 0,
            "running": False,
        }


async def test_without_the_scope_nothing_is_told(gateway: Gateway) -> None:
    """All others that there are do not suffice."""
    answer = await gateway.ask(ASK, "ALIBABA")
    assert answer["data"] is None
    assert {each["extensions"]["code"] for each in answer["errors"]} == {"UNAUTHORIZED_FIELD_OR_TYPE"}


async def test_what_a_pull_does_is_told(gateway: Gateway) -> None:
    """That it runs, what it brought and put aside, why it ended; and that it is well again."""
    seen: list[dict[str, object]] = []

    async def pulled(upstream: object, cursor: object) -> object:
        yield Batch([{"good": 1}, "bad"], {})
        async with gateway.writing() as connection:
            await connection.exec_driver_sql("SELECT 1")
        seen.append(of("alibaba", await asked(gateway)))
        yield Batch([], {})

    def read(record: object) -> dict[object, object]:
        if record == "bad":
            raise ValueError
        return {}

    dataset = Dataset("orders", pulled, read, {"orders": "alibaba:read"})  # type: ignore[arg-type]
    engine = writer(gateway.settings.database)
    await pull(engine, None, "alibaba", dataset)  # type: ignore[arg-type]
    assert seen[0]["running"] is True
    found = of("alibaba", await asked(gateway))
    assert (found["records"], found["deadLetters"], found["running"]) == (2, 1, False)
    assert found["failure"] is None
    error = PartnerError(Kind.THROTTLED, "said too much", retry_after=60)
    async with engine.begin() as connection:
        await fail(connection, "alibaba", "orders", error)
    failure = of("alibaba", await asked(gateway))["failure"]
    assert isinstance(failure, dict)
    waits = datetime.fromisoformat(failure["retryAt"]) - datetime.fromisoformat(failure["at"])
    assert (failure["kind"], waits) == ("THROTTLED", timedelta(minutes=1))
    async with engine.begin() as connection:
        await fail(
            connection, "alibaba", "orders", PartnerError(Kind.THROTTLED, "", retry_after=float("inf"))
        )
    await pull(engine, None, "alibaba", dataset)  # type: ignore[arg-type]
    assert of("alibaba", await asked(gateway))["failure"] is None
    await engine.dispose()


async def test_settings_that_cannot_be_used_fail_their_own_partner_alone(gateway: Gateway) -> None:
    """Once, in one line that names the setting and not what it says; the others are pulled."""

    async def pulled(upstream: object, cursor: object) -> object:
        yield Batch([{}], {})

    datasets = [
        Dataset(name, pulled, lambda record: {}, {name: "s"})  # type: ignore[arg-type]
        for name in ("members", "orders")
    ]
    terms = Terms(allowances=(Allowance("calls_per_day", 86_400),))
    sources = [
        Source("alibaba", {"url": "http://127.0.0.1:1", "calls_per_day": "a lot"}, datasets, terms),
        Source("mailru", {"url": "http://127.0.0.1:1"}, datasets[1:]),
    ]
    engine = writer(gateway.settings.database)
    with pytest.raises(PartnerError) as caught:
        await pull_all(engine, sources, b"0" * 32, lambda *_: lambda _: None)
    await engine.dispose()
    assert caught.value.message == "alibaba: calls_per_day must be a number of calls, above 0"
    for dataset in ("members", "orders"):
        found = of("alibaba", await asked(gateway), dataset)
        assert (found["records"], found["failure"]["kind"]) == (0, "SettingsError")  # type: ignore[index]
    assert of("mailru", await asked(gateway, "MAILRU"))["records"] == 1


async def test_a_run_that_was_killed_is_soon_over(gateway: Gateway) -> None:
    """Nobody had the time to say so."""
    until = {
        "killed": datetime.now(UTC) - timedelta(seconds=2),
        "alive": datetime.now(UTC) + timedelta(minutes=1),
    }
    for word, moment in until.items():
        async with gateway.writing() as connection:
            text = moment.isoformat(timespec="seconds").replace("+00:00", "Z")
            sql = f"UPDATE sync_runs SET running_until = '{text}' WHERE connector = 'alibaba'"
            await connection.exec_driver_sql(sql)
        assert of("alibaba", await asked(gateway))["running"] is (word == "alive")


async def test_an_agreement_that_is_revoked_takes_it_away(gateway: Gateway) -> None:
    """As of any dataset, with the next statement."""
    async with gateway.writing() as connection:
        await connection.exec_driver_sql(
            "DELETE FROM agreements WHERE dataset = 'syncs' AND owner = 'ALIBABA'"
        )
    assert "alibaba" not in {each["connector"] for each in (await asked(gateway))["syncStatus"]}


def test_the_command_line_tells_of_all(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a table, and as JSON; also before anything was pulled."""
    monkeypatch.setenv("GATEWAY_STATE", str(tmp_path))
    said = CliRunner().invoke(app, ["sync", "--status", "--json"])
    assert said.exit_code == 0, said.output
    rows = json.loads(said.stdout)
    assert {(each["connector"], each["dataset"]) for each in rows} == {each[:2] for each in declared_runs()}
    assert all(each["records"] == 0 and each["running"] is False for each in rows)
    assert "messages" in CliRunner().invoke(app, ["sync", "--status"]).stdout
