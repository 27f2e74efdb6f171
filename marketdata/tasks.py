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

    _work(number, "read_upload", uploads.read)


@shared_task
def import_upload(number: int) -> None:
    from marketdata.importing import uploads

    _work(number, "import_upload", uploads.write)


def _work(number: int, task: str, verb: Callable[[Upload], None]) -> None:
    """Later, where another upload is being worked on: they must not take all of upkeep's slots."""
    from marketdata.importing import uploads
    from marketdata.models import Upload

    upload = Upload.objects.filter(pk=number).first()
    if upload is None:
        return
    with _alone() as alone:
        if not alone:
            uploads.queue(upload, task, countdown=AGAIN_SECONDS)
            return
        try:
            verb(upload)
        except (MarketDataError, OSError) as error:
            uploads.fail(upload, str(error))
        except Exception as error:
            uploads.fail(upload, f"{type(error).__name__}: {error}")
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
