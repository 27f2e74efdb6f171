"""Servers that sessions cannot live on are refused, settings that lose data are reported, each with what is right."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client

from config import addresses
from config.checks import redis_settings
from sessions import redis_client
from streaming.base import redis_server
from streaming.status import find_problems, redis_status

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def risky_server() -> Iterator[None]:
    """The tests' server, set as it must not be."""
    client = redis_client.connection()
    client.config_set("maxmemory-policy", "allkeys-lru")
    client.config_set("appendonly", "no")
    yield
    client.config_set("maxmemory-policy", "noeviction")
    client.config_set("appendonly", "yes")


@pytest.mark.parametrize("url", ["sentinel://:hunter2@10.0.0.1:26379", "http://10.0.0.1", "10.0.0.1:6379"])
def test_a_url_of_no_single_server_ends_a_command_in_one_line(url: str) -> None:
    environment = {**os.environ, "REDIS_URL": url, "DJANGO_SETTINGS_MODULE": "config.settings"}
    command = [sys.executable, "manage.py", "check"]
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "Sentinel and Cluster are not supported" in ended.stderr
    assert "Traceback" not in ended.stderr and "hunter2" not in ended.stderr


def test_a_cluster_is_refused() -> None:
    assert "Redis Cluster" in redis_server.unsupported({"redis_mode": "cluster", "cluster_enabled": 1})
    assert redis_server.unsupported({"redis_mode": "standalone", "cluster_enabled": 0}) == ""


@pytest.mark.django_db
def test_settings_that_lose_data_are_reported_wherever_people_look(risky_server: None) -> None:
    found = {warning.msg for warning in redis_settings(None)}
    assert any("maxmemory-policy noeviction" in text for text in found)
    assert any("appendonly yes" in text for text in found)
    assert set(Client().get("/readyz").json()["warnings"]) == found
    postgres = {"name": "postgres", "ok": True, "warnings": []}
    assert found <= set(find_problems([postgres, redis_status()], [], None))


def test_a_server_that_does_not_answer_is_reported_where_it_has_to(settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    redis_client.connection.cache_clear()
    try:
        assert redis_settings(None) == []
        [finding] = redis_settings(None, databases=["default"])
        assert "does not answer" in finding.msg
    finally:
        redis_client.connection.cache_clear()


def test_settings_that_keep_data_are_not_reported() -> None:
    assert redis_settings(None) == []


@pytest.mark.parametrize(
    ("info", "words"),
    [
        ({"aof_enabled": 1, "aof_last_write_status": "err"}, "full disk"),
        ({"role": "slave"}, "name the primary"),
    ],
)
def test_a_server_that_cannot_write_is_reported(info: dict[str, Any], words: str) -> None:
    [problem] = redis_server.problems_of(info)
    assert words in problem


def test_each_database_has_a_prefix_of_its_own_whoever_logs_in() -> None:
    first = addresses.derived_prefix("postgresql://a:secret@db.example.org/tapedeck")
    assert first == addresses.derived_prefix("postgresql://b@db.example.org/tapedeck")
    assert first != addresses.derived_prefix("postgresql://a:secret@db.example.org/other")


def test_a_prefix_that_would_match_other_keys_is_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match="REDIS_PREFIX"):
        addresses.redis_prefix("tape*")
