"""Whatever is sent to the API or to the gateway: a clear answer in its own form, never a 500, never a page."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.handlers import wsgi
from django.http import QueryDict
from rest_framework.authtoken.models import Token

from marketdata.models import Dataset, Instrument
from sessions import keys
from sessions.models import Session, SessionKey
from tests.streaming.rows import a_session
from tests.web.hostile import (
    BODIES,
    DATA_PATHS,
    GATEWAY_PATHS,
    GOOD,
    METHODS,
    PATHS,
    VALUES,
    api_operations,
    api_paths,
    ask,
    assert_good,
    fault_of,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def played(db: None) -> Session:
    return a_session("AAPL", "MSFT")


@pytest.fixture
def boss(played: Session) -> dict[str, str]:
    return {"authorization": f"Token {Token.objects.create(user=User.objects.create_superuser('boss')).key}"}


@pytest.fixture
def bot(played: Session) -> dict[str, str]:
    key, secret = keys.create(played, SessionKey.Kind.BROKER)
    return {"apca-api-key-id": key.key_id, "apca-api-secret-key": secret}


class Recorded(QueryDict):
    """Remembers by which names it is asked."""

    names: set[str] = set()

    def get(self, key: str, *default: Any) -> Any:
        self.names.add(key)
        return super().get(key, *default)

    def getlist(self, key: str, *default: Any) -> Any:
        self.names.add(key)
        return super().getlist(key, *default)

    def __getitem__(self, key: str) -> Any:
        self.names.add(key)
        return super().__getitem__(key)


READ_NAMES: dict[str, list[str]] = {}


@pytest.fixture
def read_names(monkeypatch: pytest.MonkeyPatch, bot: dict[str, str]) -> dict[str, list[str]]:
    """Path of the gateway → the parameters that it reads."""
    query = "&".join(f"{key}={value}" for key, value in GOOD.items())
    with monkeypatch.context() as patched:
        patched.setattr(wsgi, "QueryDict", Recorded)
        for path in GATEWAY_PATHS if not READ_NAMES else ():
            Recorded.names = set()
            for method in ("GET", "DELETE"):
                ask(method, path, QUERY_STRING=query, headers=bot)
            READ_NAMES[path] = sorted(Recorded.names)
    return READ_NAMES


def test_what_addresses_of_the_gateway_read_is_known(read_names: dict[str, list[str]]) -> None:
    assert set(read_names["/alpaca/v2/stocks/bars"]) == {
        *("symbols", "start", "end", "limit", "page_token", "timeframe", "sort", "feed", "asof", "adjustment"),
        "currency",
    }
    assert {"status", "limit", "after", "until", "direction", "nested"} <= set(read_names["/alpaca/v2/orders"])
    assert sum(map(len, read_names.values())) > 60


@pytest.mark.parametrize("name", BODIES)
def test_no_body_breaks_the_api(name: str, played: Session, boss: dict[str, str]) -> None:
    answers = [
        (f"{method} {path}", ask(method, path, BODIES[name], headers=boss))
        for path, operations in api_operations(played.pk).items()
        for method in operations.keys() - {"GET"}
    ]
    assert_good([fault_of(answer, label) for label, answer in answers])


@pytest.mark.parametrize("name", BODIES)
def test_no_body_breaks_the_gateway(name: str, bot: dict[str, str]) -> None:
    answers = [
        (f"{method} {path}", ask(method, path, BODIES[name], headers=bot))
        for path in GATEWAY_PATHS
        for method in ("POST", "PUT", "PATCH", "DELETE")
        if path not in DATA_PATHS or method == "POST"
    ]
    assert_good([fault_of(answer, label) for label, answer in answers])


@pytest.mark.parametrize("name", VALUES)
def test_no_value_in_a_query_breaks_the_api(name: str, played: Session, boss: dict[str, str]) -> None:
    faults = []
    for path, parameters in api_paths(played.pk).items():
        for parameter in parameters:
            extra = "" if parameter == "symbol" else "&symbol=AAPL"
            answer = ask("GET", path, QUERY_STRING=f"{parameter}={VALUES[name]}{extra}", headers=boss)
            faults.append(fault_of(answer, f"GET {path}?{parameter}"))
    assert_good(faults)


@pytest.mark.parametrize("name", VALUES)
def test_no_value_in_a_query_breaks_the_gateway(
    name: str, read_names: dict[str, list[str]], bot: dict[str, str]
) -> None:
    faults = []
    for path, parameters in read_names.items():
        for parameter in parameters:
            query = "&".join(f"{key}={value}" for key, value in {**GOOD, parameter: VALUES[name]}.items())
            faults.append(fault_of(ask("GET", path, QUERY_STRING=query, headers=bot), f"GET {path}?{parameter}"))
    assert_good(faults)


@pytest.mark.parametrize("place", [f"AAPL|{'9' * 30}|1", f"AAPL|1|-{'9' * 25}", f"AAPL|1|{'9' * 25}", "%E", "\x00||"])
def test_no_page_token_breaks_the_gateway(place: str, bot: dict[str, str]) -> None:
    token = base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")
    query = f"symbols=AAPL&timeframe=1Min&start=2024-11-18&page_token={token}"
    answers = [ask("GET", path, QUERY_STRING=query, headers=bot) for path in GATEWAY_PATHS]
    assert_good([fault_of(answer, token) for answer in answers])


@pytest.mark.parametrize("method", METHODS)
def test_a_method_that_is_not_there_is_refused_in_words(
    method: str, played: Session, boss: dict[str, str], bot: dict[str, str]
) -> None:
    answers = [(path, ask(method, path, headers=boss)) for path in api_paths(played.pk)]
    answers += [(path, ask(method, path, headers=bot)) for path in GATEWAY_PATHS]
    assert_good([fault_of(answer, f"{method} {path}") for path, answer in answers])


@pytest.mark.parametrize("kind", ["text/plain", "multipart/form-data", "x", "application/json; charset=utf-7", "\x00"])
def test_a_body_of_another_kind_is_refused_in_words(kind: str, played: Session, boss: dict[str, str]) -> None:
    answers = [(path, ask("POST", path, "{}", content_type=kind, headers=boss)) for path in api_paths(played.pk)]
    assert_good([fault_of(answer, f"POST {path}") for path, answer in answers])


@pytest.mark.parametrize("name", PATHS)
def test_no_path_breaks_api_or_gateway(name: str, played: Session, boss: dict[str, str], bot: dict[str, str]) -> None:
    bases = ["/api", "/api/sessions", f"/api/sessions/{played.pk}", f"/api/sessions/{played.pk}/keys"]
    faults = []
    for base in bases:
        for after in (
            "",
            "stream/",
            "bars/",
            "keys/",
            "verifications/",
            "verifications/1/",
            "pause/",
            "readers/bot/acknowledge/",
        ):
            for method in ("GET", "POST", "DELETE"):
                answer = ask(method, f"{base}{PATHS[name]}{after}", headers=boss)
                faults.append(fault_of(answer, f"{method} {base}…{after}"))
    for base in ("/alpaca", "/alpaca/v2", "/alpaca/v2/stocks", "/alpaca/v2/assets"):
        paths = [f"{base}{PATHS[name]}{after}" for after in ("", "bars", "bars/latest", "snapshot")]
        faults += [fault_of(ask("GET", path, headers=bot), path[:60]) for path in paths]
    assert_good(faults)


@pytest.mark.parametrize("host", ["evil.example", "[", "a b"])
def test_a_foreign_host_is_refused_in_words(host: str, boss: dict[str, str], bot: dict[str, str]) -> None:
    answers = [ask("GET", "/api/sessions/", HTTP_HOST=host, headers=boss)]
    answers += [ask("GET", "/alpaca/v2/clock", HTTP_HOST=host, headers=bot)]
    assert_good([fault_of(answer, host) for answer in answers])


def test_more_parameters_than_are_read_are_refused_in_words(boss: dict[str, str], bot: dict[str, str]) -> None:
    query = "&".join(f"a{n}=1" for n in range(1500))
    answers = [ask("GET", path, QUERY_STRING=query, headers=boss) for path in api_paths()]
    answers += [ask("GET", path, QUERY_STRING=query, headers=bot) for path in GATEWAY_PATHS]
    assert_good([fault_of(answer, "1500 parameters") for answer in answers])


@pytest.mark.parametrize("text", ["\x00", "\x00.x", "\u00e9:x", ":", "x" * 5000])
def test_no_credentials_break_the_gateway(text: str, played: Session) -> None:
    basic = base64.b64encode(text.encode()).decode()
    answers = [ask("GET", "/alpaca/v2/clock", headers={"authorization": f"Basic {basic}"})]
    answers += [ask("GET", "/api/sessions/", headers={"authorization": f"Bearer {text}.{text}"})]
    answers += [ask("GET", "/api/sessions/", headers={"authorization": f"Token {text}"})]
    assert_good([fault_of(answer, repr(text)) for answer in answers])


@pytest.mark.parametrize("symbols", [["AAPL", "AA PL"], ["A\u00e9"], ["A" * 25], ["A\u200b"], ["/AAPL"]])
@pytest.mark.parametrize("action", ["", "{}/add_symbols/", "{}/remove_symbols/"])
def test_a_text_that_can_be_no_symbol_is_named(
    symbols: list[str], action: str, played: Session, boss: dict[str, str]
) -> None:
    given = {"symbols": symbols} if action else {"symbols": symbols, "date": "2025-07-02", "provider": "synthetic"}
    answer = ask("POST", f"/api/sessions/{action.format(played.pk)}", json.dumps(given), headers=boss)
    body = json.loads(answer.content)
    assert answer.status_code == 400 and body["errors"][0]["field"].startswith("symbols")
    assert repr(symbols[-1]) in body["detail"] and "is not a symbol" in body["detail"]


def test_a_refusal_is_not_as_long_as_what_it_refuses(boss: dict[str, str]) -> None:
    given = {"symbols": [f"A{n}" for n in range(10_000)], "date": "2025-07-02", "name": "x" * 50_000}
    answer = ask("POST", "/api/sessions/", json.dumps(given), headers=boss)
    assert answer.status_code == 400
    assert_good([fault_of(answer, "10,000 symbols")])


def test_a_start_of_too_many_symbols_writes_nothing(played: Session, boss: dict[str, str], settings: Any) -> None:
    settings.SESSION_SYMBOLS = 3
    given = {"symbols": ["A", "B", "C", "D"], "date": "2025-07-02", "provider": "synthetic"}
    before = Instrument.objects.count(), Session.objects.count(), Dataset.objects.count()
    answer = ask("POST", "/api/sessions/", json.dumps(given), headers=boss)
    assert answer.status_code == 400 and "4 symbols are too many for one session: 3 at most" in str(answer.content)
    assert (Instrument.objects.count(), Session.objects.count(), Dataset.objects.count()) == before
    more = ask("POST", f"/api/sessions/{played.pk}/add_symbols/", '{"symbols": ["AAPL", "C", "D"]}', headers=boss)
    assert more.status_code == 409 and "2 symbols beside the 2 that it has" in str(more.content)
