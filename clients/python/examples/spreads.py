"""The spread of each quote of a session, with asyncio over a WebSocket: spreads.py SESSION SYMBOL"""

import asyncio
import sys

from tapedeck_client import AsyncClient


async def main(session_id: int, symbol: str) -> None:
    async with AsyncClient.from_environment() as client:
        session = await client.session(session_id)
        async for quote in session.stream_quotes([symbol], transport="websocket"):
            if quote.bid is not None and quote.ask is not None:
                print(f"{quote.at:%H:%M:%S.%f} {quote.ask - quote.bid:.2f}")


asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
