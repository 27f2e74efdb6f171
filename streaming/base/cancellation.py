"""How background work of an event loop is ended."""

import asyncio
from typing import Any

AGAIN_AFTER = 1.0


async def end(task: asyncio.Task[Any]) -> None:
    """Cancel until it is over: a cancellation that meets a reply just come in can get lost in `wait_for`.

    Not again too soon, which would cut short how it leaves. Its result or error nobody wants any more.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=AGAIN_AFTER)
    if not task.cancelled():
        task.exception()
