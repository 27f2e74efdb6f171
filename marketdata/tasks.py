"""What a worker does for the upload page. Tasks are thin: they take an upload's number and call one verb."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from celery import shared_task
from django.db import connection

from marketdata.errors import MarketDataError

if TYPE_CHECKING:
    from marketdata.models import Upload

UPLOAD_LOCK = 0x7AFF
AGAIN_SECONDS = 2


@shared_task
def read_upload(number: int) -> None:
    from marketdata.importing import uploads  # beat imports this module, and does none of it

    _work(number, "reading", uploads.read)


@shared_task
def import_upload(number: int) -> None:
    from marketdata.importing import uploads

    _work(number, "importing", uploads.write)


def _work(number: int, state: str, verb: Callable[[Upload], None]) -> None:
    """Later, where another upload is being worked on: they must not take all of upkeep's slots."""
    from marketdata.importing import upload_queue
    from marketdata.models import Upload

    with _alone() as alone:
        upload = Upload.objects.filter(pk=number, state=state).first()
        if upload is None:
            return
        if not alone:
            upload_queue.queue(upload, countdown=AGAIN_SECONDS)
            return
        try:
            verb(upload)
        except (MarketDataError, OSError) as error:
            upload_queue.fail(upload, str(error))
        except Exception as error:
            upload_queue.fail(upload, f"{type(error).__name__}: {error}")
            raise


@contextmanager
def _alone() -> Iterator[bool]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [UPLOAD_LOCK])
        (got,) = cursor.fetchone()
        try:
            yield got
        finally:
            if got:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [UPLOAD_LOCK])
