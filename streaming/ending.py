"""How background work of an event loop is ended."""

import asyncio
from typing import Any


async def end(task: asyncio.Task[Any]) -> None:
    """Cancel until it is over: a cancellation that meets a reply just come in can get lost in `wait_for`.

    Whoever ends it does not want its result any more, nor its error.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=0.2)
    if not task.cancelled():
        task.exception()
