"""What a worker does for pages that upload, undo and delete. Tasks are thin: they take numbers and call one verb."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import TYPE_CHECKING

from celery import shared_task

from marketdata.errors import MarketDataError
from marketdata.locks import Locks, alone

if TYPE_CHECKING:
    from marketdata.models import Upload
    from marketdata.removal.deleting import Progress

AGAIN_SECONDS = 2


@shared_task
def read_upload(number: int) -> None:
    from marketdata.importing.uploads import upload as uploads  # beat imports this module, and does none of it

    _work(number, "reading", uploads.read)


@shared_task
def import_upload(number: int) -> None:
    from marketdata.importing.uploads import upload as uploads

    _work(number, "importing", uploads.write)


@shared_task
def undo(number: int, where_possible: bool) -> None:
    from marketdata.removal import removal_queue
    from marketdata.removal.undoing import outcome, undo_import

    def verb(progress: Progress) -> str:
        return f"Undone: {outcome(undo_import(number, where_possible=where_possible, progress=progress))}."

    removal_queue.work("undo", ("undo", number), (number, where_possible), verb)


@shared_task
def delete(dataset: str, symbol: str, start: str, end: str) -> None:
    from marketdata.removal import removal_queue
    from marketdata.removal.deleting import delete_data, summary

    first, last = (dt.date.fromisoformat(day) if day else None for day in (start, end))

    def verb(progress: Progress) -> str:
        return f"Deleted: {summary(delete_data(dataset, symbol, first, last, progress=progress))}."

    place = (dataset, symbol, start, end)
    removal_queue.work("delete", ("delete", *place), place, verb)


def _work(number: int, state: str, verb: Callable[[Upload], None]) -> None:
    """Later, where another upload is being worked on: they must not take all of upkeep's slots."""
    from marketdata.importing.uploads import upload_queue
    from marketdata.models import Upload

    with alone(Locks.UPLOAD, 0) as mine:
        upload = Upload.objects.filter(pk=number, state=state).first()
        if upload is None:
            return
        if not mine:
            upload_queue.queue(upload, countdown=AGAIN_SECONDS)
            return
        try:
            verb(upload)
        except (MarketDataError, OSError) as error:
            upload_queue.fail(upload, str(error))
        except Exception as error:
            upload_queue.fail(upload, f"{type(error).__name__}: {error}")
            raise
