"""What a worker does for the upload page. Tasks are thin: they take an upload's number and call one verb."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from celery import shared_task

from marketdata.errors import MarketDataError
from marketdata.locks import Locks, alone

if TYPE_CHECKING:
    from marketdata.models import Upload

AGAIN_SECONDS = 2


@shared_task
def read_upload(number: int) -> None:
    from marketdata.importing.uploads import upload as uploads  # beat imports this module, and does none of it

    _work(number, "reading", uploads.read)


@shared_task
def import_upload(number: int) -> None:
    from marketdata.importing.uploads import upload as uploads

    _work(number, "importing", uploads.write)


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
