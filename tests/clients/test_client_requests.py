"""The client's requests against a real server: what it is sent, and how it is refused."""

from __future__ import annotations

import asyncio
import datetime as dt

import httpx
import pytest

from tapedeck_client import (
    AsyncClient,
    Bar,
    Client,
    Conflict,
    ConnectionLost,
    InvalidRequest,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    calls,
)
from tapedeck_client.http_service import send, service_of
from tests.streaming.paper import Paper
from tests.streaming.rows import a_session
from tests.web_server import WebServer

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_session_has_its_recipe_and_its_clock_as_typed_values(reader: Client, paper: Paper) -> None:
    paper.play(11)
    session = reader.session(paper.session.pk)
    info = session.info
    assert (session.id, session.state, session.symbols) == (paper.session.pk, "running", ("AAPL", "MSFT"))
    assert session.clock == dt.datetime(2024, 11, 18, 14, 40, tzinfo=dt.UTC)
    assert (info.start_date, info.derive, info.types) == (dt.date(2024, 11, 18), ("5m", "15m"), ("bars",))
    assert (info.cursor, info.live, info.ended_at) == (paper.out[-1][0], True, None)


def test_bars_come_up_to_the_clock_and_no_further(reader: Client, paper: Paper) -> None:
    paper.play(11)
    session = reader.session(paper.session.pk)
    assert session.bars("AAPL", adjustment="all") == session.bars("AAPL")  # no actions are stored
    with pytest.raises(InvalidRequest, match="some"):
        session.bars("AAPL", adjustment="some")
    minutes, fives = session.bars("aapl"), session.bars("AAPL", "5m", limit=1)
    assert len(minutes) == 10 and minutes[-1].end == minutes.clock == session.clock
    assert minutes[0] == Bar(
        symbol="AAPL",
        interval="1m",
        start=dt.datetime(2024, 11, 18, 14, 30, tzinfo=dt.UTC),
        end=dt.datetime(2024, 11, 18, 14, 31, tzinfo=dt.UTC),
        open=100.0,
        high=100.01,
        low=99.99,
        close=100.0,
        volume=None,
        trade_count=None,
        vwap=None,
        n_present=1,
        n_expected=1,
        complete=True,
        synthetic=False,
    )
    assert [(bar.interval, bar.n_present) for bar in fives] == [("5m", 5)]
    late = session.bars("AAPL", start=dt.datetime(2024, 11, 18, 14, 38, tzinfo=dt.UTC))
    assert [bar.start.minute for bar in late] == [38, 39]


def test_sessions_are_listed_page_by_page_and_by_filters(owner: Client, paper: Paper) -> None:
    more = [a_session(f"S{n}", name=f"number {n}").pk for n in range(60)]
    assert [session.id for session in owner.sessions()] == [*reversed(more), paper.session.pk]
    assert [session.id for session in owner.sessions(name="number 59")] == [more[59]]
    assert [session.id for session in owner.sessions(symbol="MSFT", date=dt.date(2024, 11, 18))] == [paper.session.pk]
    assert list(owner.sessions(state="failed")) == []


def test_the_stores_bars_come_in_pages_to_those_who_may_see_them(
    owner: Client, reader: Client, paper: Paper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tapedeck_client.calls.STORED_BARS_PAGE", 100)
    bars = owner.stored_bars("AAPL", dataset="paper")
    assert len(bars) == 390 and [bar.start for bar in bars] == sorted({bar.start for bar in bars})
    assert (bars[0].symbol, bars[0].interval, bars[0].n_present) == ("AAPL", "1m", None)
    assert [bar.interval for bar in owner.stored_bars("AAPL", "1d", dataset="paper")] == ["1d"]
    with pytest.raises(NotAllowed, match="Stored bars lie ahead") as refused:
        reader.stored_bars("AAPL")
    assert refused.value.status == 403


def test_refusals_have_a_type_and_the_servers_words(
    web: WebServer, owner: Client, reader: Client, paper: Paper
) -> None:
    session = owner.session(paper.session.pk)
    with pytest.raises(InvalidRequest, match="ZZZ is not in this session: it has AAPL, MSFT") as invalid:
        session.bars("ZZZ")
    assert [(error.field, error.value) for error in invalid.value.errors] == [("symbol", "ZZZ")]
    with pytest.raises(NotFound):
        owner.session(paper.session.pk + 1000)
    with pytest.raises(Conflict, match="running"):
        session.step()
    with pytest.raises(NotAllowed, match="reads that session and nothing else"):
        reader.session(paper.session.pk).pause()
    with Client(web.url, key="RKNONE.secret") as stranger, pytest.raises(NotAuthenticated, match="unknown or revoked"):
        stranger.session(paper.session.pk)


def test_a_server_that_is_not_there_is_named() -> None:
    with (
        Client("http://127.0.0.1:9") as client,
        pytest.raises(ConnectionLost, match=r"http://127\.0\.0\.1:9/ does"),
    ):
        client.status()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"url": "127.0.0.1:8000"}, "it begins with http:// or https://"),
        ({"url": "http://127.0.0.1", "token": "a", "key": "b"}, "not both"),
    ],
)
def test_arguments_that_cannot_be_right_are_refused(arguments: dict[str, str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Client(**arguments)


def test_a_time_without_a_zone_is_refused_before_anything_is_sent(reader: Client, paper: Paper) -> None:
    with pytest.raises(ValueError, match=r"start=.* has no time zone"):
        reader.session(paper.session.pk).bars("AAPL", start=dt.datetime(2024, 11, 18, 14, 30))  # noqa: DTZ001


def test_a_name_and_a_password_give_a_client_and_the_environment_does(
    web: WebServer, token: str, paper: Paper, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Client.login(web.url, "admin", "secret") as client:
        status = client.status()
        assert [row.id for row in status.sessions] == [paper.session.pk]
        assert {service.name for service in status.services if service.ok} == {"postgres", "redis"}
    monkeypatch.setenv("TAPEDECK_URL", web.url)
    monkeypatch.setenv("TAPEDECK_TOKEN", token)
    with Client.from_environment() as client:
        assert client.session(paper.session.pk).state == "running"
    with pytest.raises(InvalidRequest, match="log in"):
        Client.login(web.url, "admin", "wrong")


def test_the_asynchronous_client_says_the_same(web: WebServer, token: str, paper: Paper) -> None:
    paper.play(4)

    async def ask() -> tuple[object, ...]:
        async with await AsyncClient.login(web.url, "admin", "secret") as client:
            session = await client.session(paper.session.pk)
            listed = [row.id async for row in client.sessions()]
            stored = await client.stored_bars("AAPL", dataset="paper")
            return listed, len(await session.bars("AAPL")), len(stored), (await client.status()).sessions[0].id

    assert asyncio.run(ask()) == ([paper.session.pk], 3, 390, paper.session.pk)


@pytest.mark.parametrize("verb", ["start", "restart", "fork"])
def test_a_request_that_opens_a_session_is_sent_again_without_opening_a_second(verb: str) -> None:
    seen: list[httpx.Request] = []

    def server(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        if len(seen) == 1:
            raise httpx.ReadError("the connection broke off")
        return httpx.Response(202, json={"id": 7, "notes": ["moved"]})

    call = calls.start(["AAPL"], {}) if verb == "start" else calls.control(1, verb)
    service = service_of("http://tapedeck", None, None)
    with httpx.Client(transport=httpx.MockTransport(server), **service.settings(1)) as http:
        info = send(service, http, call)
    assert (info.id, info.notes) == (7, ("moved",))
    keys = [request.headers["Idempotency-Key"] for request in seen]
    assert len(keys) == 2 and keys[0] == keys[1] != f'"{calls.start([], {}).key}"'


def test_a_control_is_never_sent_twice() -> None:
    def server(request: httpx.Request) -> httpx.Response:
        assert "Idempotency-Key" not in request.headers
        raise httpx.ReadError("the connection broke off")

    service = service_of("http://tapedeck", None, None)
    http = httpx.Client(transport=httpx.MockTransport(server), **service.settings(1))
    with http, pytest.raises(ConnectionLost):
        send(service, http, calls.control(1, "step", minutes=1))
