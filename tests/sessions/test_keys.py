"""Session keys: shown once, kept as a hash, bound to one session, ended for good."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from rest_framework.test import APIClient

from sessions import keys
from sessions.models import SessionKey
from tests.streaming.callers import assert_problem, log_in
from tests.streaming.rows import a_session

pytestmark = pytest.mark.django_db


def bearer(token: str) -> APIClient:
    return APIClient(HTTP_AUTHORIZATION=f"Bearer {token}")


def run(*arguments: Any) -> str:
    out = io.StringIO()
    call_command(*map(str, arguments), stdout=out)
    return out.getvalue()


def test_a_key_is_checked_by_id_secret_and_kind() -> None:
    key, secret = keys.create(a_session("AAPL"), "reader")
    assert keys.check(key.key_id, secret, "reader") == key
    assert keys.check(key.key_id, secret, "broker") is None
    assert keys.check(key.key_id, secret + "x", "reader") is None
    assert keys.check("RKNOSUCHKEY", secret, "reader") is None
    assert keys.check("", "", "reader") is None


def test_a_revoked_key_opens_nothing() -> None:
    key, secret = keys.create(a_session("AAPL"), "reader")
    keys.revoke(key.key_id)
    assert keys.check(key.key_id, secret, "reader") is None


def test_the_secret_is_kept_nowhere() -> None:
    session = a_session("AAPL")
    key, secret = keys.create(session, "broker", by="ada")
    key.refresh_from_db()
    assert secret not in str(vars(key))
    assert secret not in "".join(f"{event.message} {event.data}" for event in session.events.all())


def test_making_and_revoking_is_on_record_with_who_did_it() -> None:
    session = a_session("AAPL")
    key, _ = keys.create(session, "reader", by="ada")
    keys.revoke(key.key_id, by="bob")
    keys.revoke(key.key_id, by="eve")
    reported = [event.message for event in session.events.filter(kind="key").order_by("pk")]
    assert reported == [f"reader key {key.key_id} made by ada", f"reader key {key.key_id} revoked by bob"]


def test_use_is_noted_and_not_more_than_once_a_minute(django_assert_num_queries: Any) -> None:
    key, secret = keys.create(a_session("AAPL"), "reader")
    keys.check(key.key_id, secret, "reader")
    key.refresh_from_db()
    first = key.last_used_at
    assert first is not None
    keys.check(key.key_id, secret, "reader")
    key.refresh_from_db()
    assert key.last_used_at == first


# --- what a reader key opens -------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["", "streams/", "events/", "bars/?symbol=AAPL"])
def test_a_reader_key_opens_its_own_session(address: str) -> None:
    session = a_session("AAPL")
    key, secret = keys.create(session)
    assert bearer(f"{key.key_id}.{secret}").get(f"/api/sessions/{session.pk}/{address}").status_code == 200


CLOSED = ["sessions/", "status/", "bars/?symbol=AAPL", "sessions/{other}/", "sessions/{other}/bars/?symbol=AAPL"]


@pytest.mark.parametrize("address", [*CLOSED, "sessions/{mine}/keys/", "sessions/999999/"])
def test_a_reader_key_opens_nothing_else(address: str) -> None:
    mine, other = a_session("AAPL"), a_session("MSFT")
    key, secret = keys.create(mine)
    answer = bearer(f"{key.key_id}.{secret}").get(f"/api/{address.format(mine=mine.pk, other=other.pk)}")
    assert_problem(answer, 403)


@pytest.mark.parametrize("verb", ["pause", "resume", "stop", "speed", "keys"])
def test_a_reader_key_controls_nothing(verb: str) -> None:
    session = a_session("AAPL")
    key, secret = keys.create(session)
    answer = bearer(f"{key.key_id}.{secret}").post(f"/api/sessions/{session.pk}/{verb}/", {}, format="json")
    assert_problem(answer, 403)


@pytest.mark.parametrize("token", ["", "nonsense", "RKA.b", "é.é"])
def test_a_wrong_key_is_refused_in_words(token: str) -> None:
    session = a_session("AAPL")
    answer = APIClient(HTTP_AUTHORIZATION=f"Bearer {token}").get(f"/api/sessions/{session.pk}/")
    assert_problem(answer, 401, "unknown or revoked")


@pytest.mark.parametrize("kind", ["reader", "broker"])
def test_a_key_that_was_revoked_opens_nothing(kind: str) -> None:
    session = a_session("AAPL")
    key, secret = keys.create(session, kind)
    client = bearer(f"{key.key_id}.{secret}")
    assert client.get(f"/api/sessions/{session.pk}/").status_code == 200
    keys.revoke(key.key_id)
    assert_problem(client.get(f"/api/sessions/{session.pk}/"), 401, "unknown or revoked")


# --- where they are made ------------------------------------------------------------------------


def test_the_api_makes_lists_and_revokes_keys() -> None:
    session = a_session("AAPL")
    client = log_in("view_sessionkey", "add_sessionkey", "change_sessionkey")
    address = f"/api/sessions/{session.pk}/keys/"
    made = client.post(address, {}, format="json").json()
    assert (made["kind"], made["session"], made["created_by"]) == ("reader", session.pk, "user0")
    assert bearer(made["token"]).get(f"/api/sessions/{session.pk}/").status_code == 200
    [listed] = client.get(address).json()
    assert listed["key_id"] == made["key_id"]
    assert made["secret"] not in str(listed)
    assert client.delete(f"{address}{made['key_id']}/").status_code == 204
    assert_problem(bearer(made["token"]).get(f"/api/sessions/{session.pk}/"), 401)


def test_the_api_refuses_a_kind_that_there_is_not() -> None:
    session = a_session("AAPL")
    answer = log_in("add_sessionkey").post(f"/api/sessions/{session.pk}/keys/", {"kind": "owner"}, format="json")
    assert assert_problem(answer, 400, "owner")["errors"][0]["field"] == "kind"


@pytest.mark.parametrize("method", ["get", "post"])
def test_keys_need_their_own_permission(method: str) -> None:
    session = a_session("AAPL")
    client = log_in("view_session", "change_session")
    assert_problem(getattr(client, method)(f"/api/sessions/{session.pk}/keys/"), 403, "sessionkey")


def test_the_command_makes_and_revokes_keys() -> None:
    session = a_session("AAPL")
    made = json.loads(run("create_api_key", session.pk, "--kind", "broker", "--json"))
    assert keys.check(made["key_id"], made["secret"], "broker")
    assert run("revoke_api_key", made["key_id"]) == f"broker key {made['key_id']} of session {session.pk} is revoked.\n"
    assert keys.check(made["key_id"], made["secret"], "broker") is None


def test_the_command_refuses_what_is_not_there() -> None:
    with pytest.raises(CommandError, match="There is no session 999999"):
        run("create_api_key", 999999)
    with pytest.raises(CommandError, match="There is no key 'RKX'"):
        run("revoke_api_key", "RKX")


def test_the_admin_shows_the_secret_once() -> None:
    session = a_session("AAPL")
    client = Client()
    client.force_login(User.objects.create_superuser("boss"))
    body = {"session": session.pk, "kind": "reader"}
    page = client.post("/admin/replay/sessionkey/add/", body, follow=True).content.decode()
    key = SessionKey.objects.get()
    token = page.partition("not shown again: token ")[2].split("<")[0].strip()
    assert token.startswith(f"{key.key_id}.")
    assert bearer(token).get(f"/api/sessions/{session.pk}/").status_code == 200
    again = client.get(f"/admin/replay/sessionkey/{key.pk}/change/").content.decode()
    assert token.partition(".")[2] not in again
    client.post("/admin/replay/sessionkey/", {"action": "revoke", "_selected_action": [key.pk]})
    assert_problem(bearer(token).get(f"/api/sessions/{session.pk}/"), 401)
