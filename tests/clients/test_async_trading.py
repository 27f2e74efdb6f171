"""Accounts and orders by the asynchronous client: the same verbs, to be awaited."""

from __future__ import annotations

import asyncio
import inspect

import pytest

from tapedeck_client import (
    Account,
    AsyncAccount,
    AsyncClient,
    AsyncOrder,
    AsyncSession,
    NotCovered,
    NotFound,
    Order,
    Session,
    WaitTimeout,
)
from tests.web_server import WebServer
from tests.workers import StartWorker

pytestmark = pytest.mark.django_db(transaction=True)


async def traded(client: AsyncClient) -> list[str]:
    """Every verb once; the kinds of the events that come of it."""
    session = await client.start(["AAPL", "MSFT"], date="2025-07-02", provider="synthetic", paused=True)
    await session.wait()
    await session.step(5)
    await session.settle()
    account = await session.open_account("swing", cash=25_000)
    assert (await account.configure(no_shorting=True)).settings.no_shorting
    with pytest.raises(NotCovered, match="not allowed to short") as refused:
        await account.sell("AAPL", 1)
    assert refused.value.figures == {}
    order = await account.buy("AAPL", 10)
    with pytest.raises(WaitTimeout):
        await order.wait(timeout=0.1)
    await stepped(session)
    assert (await order.wait()).status == "filled"
    position = await account.position("aapl")
    assert position and position.qty == 10 and [position] == list(await account.positions())
    resting = await account.order("buy", "MSFT", 1, limit=1, client_order_id="rests")
    await resting.settle()
    again = await resting.replace(limit="1.50")
    assert [each.id for each in await account.orders(open=True)] == [again.id]
    assert (await account.find_order(client_order_id="rests")).id == resting.id
    assert (await account.find_order(again.id)).info == again.info
    with pytest.raises(NotFound):
        await account.find_order(client_order_id="other")
    assert (await again.cancel()).status == "canceled" and await account.cancel_all() == ()
    await closed(session, account)
    return [event.event async for event in account.events(from_start=True)]


async def closed(session: AsyncSession, account: AsyncAccount) -> None:
    order = await account.close("AAPL", 4)
    await stepped(session)
    await order.wait()
    [closing] = await account.close_all()
    await session.set_speed(0)
    await session.resume()
    assert closing.order and (await closing.order.wait()).status == "filled"
    assert [row.qty for row in await account.executions()] == [10, 4, 6]
    assert (await account.equity_history())[0].equity == (await account.activities())[0].amount == 25_000
    assert "swing" in account._repr_html_()
    [same], account = await session.accounts(), await session.account("swing")
    assert same.name == account.name == "swing"
    assert account.equity == account.cash == (await account.refresh()).cash


async def stepped(session: AsyncSession) -> None:
    await session.step()
    await session.settle()


def test_the_asynchronous_client_trades_too(start_worker: StartWorker, web: WebServer, token: str) -> None:
    start_worker()

    async def trade() -> list[str]:
        async with AsyncClient(web.url, token=token) as client, asyncio.timeout(100):
            return await traded(client)

    events = asyncio.run(trade())
    assert (events.count("fill"), events.count("canceled"), events.count("replaced")) == (3, 1, 1)


@pytest.mark.parametrize(("one", "other"), [(Account, AsyncAccount), (Order, AsyncOrder), (Session, AsyncSession)])
def test_both_have_the_same_verbs_with_the_same_words(one: type, other: type) -> None:
    def verbs(kind: type) -> dict[str, tuple[str | None, list[str]]]:
        functions = {name: value for name, value in vars(kind).items() if name[0] != "_" and inspect.isfunction(value)}
        return {
            name: (inspect.getdoc(value), list(inspect.signature(value).parameters))
            for name, value in functions.items()
        }

    assert verbs(one) == verbs(other)
