"""The API in a browser: pages to click through, made without any other server."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.streaming.rows import a_session

pytestmark = pytest.mark.django_db
HTML = {"HTTP_ACCEPT": "text/html"}


@pytest.mark.parametrize(
    "address", ["", "{pk}/", "{pk}/streams/", "{pk}/events/", "{pk}/bars/?symbol=AAPL", "{pk}/keys/"]
)
def test_every_address_has_a_page(address: str) -> None:
    session = a_session("AAPL")
    client = Client()
    client.force_login(User.objects.create_superuser("boss"))
    answer = client.get(f"/api/sessions/{address.format(pk=session.pk)}", **HTML)
    page = answer.content.decode()
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/html")
    assert "AAPL" in page or "keys" in page or "running" in page
    assert 'src="http' not in page
    assert 'href="https://fonts' not in page


def test_the_store_has_a_page_too() -> None:
    a_session("AAPL")
    client = Client()
    client.force_login(User.objects.create_superuser("boss"))
    page = client.get("/api/bars/?symbol=AAPL", **HTML).content.decode()
    assert "2024-11-18T14:30:00Z" in page
    assert "format=csv" in page
