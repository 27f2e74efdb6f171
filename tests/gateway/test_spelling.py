"""A dataset's own spelling of a symbol under the broker's: BRK-B is BRK.B to a bot."""

from __future__ import annotations

import pytest

from gateway.sockets.channels import Channels, parse
from gateway.sockets.frame_messages import Outgoing
from gateway.wire.codecs import JSON
from gateway.wire.spelling import as_stored
from tests.gateway.bots import Bot
from tests.gateway.test_wire import frame_of
from tests.streaming.rows import DAY, a_dataset, a_day, a_session

pytestmark = pytest.mark.django_db


@pytest.fixture
def bot() -> Bot:
    a_day("BRK.B", dataset=a_dataset("other"))
    return Bot(a_session("BRK-B", "BACpB", "BRK-A"))


def test_data_and_assets_are_found_by_the_brokers_name(bot: Bot) -> None:
    assert as_stored(bot.session.dataset_id, ["BRK.B", "BAC.PRB", "AAPL", "X.Y"]) == {
        **{"BRK.B": "BRK-B", "BAC.PRB": "BACpB", "AAPL": "AAPL", "X.Y": "X.Y"},
    }
    assert len(bot.bars("BRK.B", timeframe="1Min", start=DAY.isoformat())) == 30
    assert bot.bars("BRK.B", timeframe="1Day", start=DAY.isoformat(), adjustment="all")
    assert bot.ask("/v2/stocks/snapshots", symbols="BRK.B,BAC.PRB").keys() == {"BRK.B", "BAC.PRB"}
    assert bot.ask("/v2/stocks/BRK.B/trades/latest")["symbol"] == "BRK.B"
    asset = bot.ask("/v2/assets/BRK.B")
    assert asset["symbol"] == "BRK.B" and bot.ask(f"/v2/assets/{asset['id']}") == asset
    assert [each["symbol"] for each in bot.ask("/v2/assets")] == ["BAC.PRB", "BRK.A", "BRK.B"]


def test_a_socket_names_it_so() -> None:
    wanted = Channels().adding(parse({"bars": ["BRK.B"], "trades": ["*"]}))
    bars_alone = frozenset({"trades"})
    (message,) = Outgoing(frame_of(("BRK-A", "BRK-B")), None, bars_alone).messages(JSON, wanted)
    assert message["text"].count('"S":"BRK.B"') == 2 and message["text"].count('"S":"BRK.A"') == 1
