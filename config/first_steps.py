"""What the first `manage.py up` makes: the secret key, the admin's login, a session to watch."""

from __future__ import annotations

import secrets
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model

from marketdata import store
from sessions.models import Session
from streaming import service
from streaming.start_request import Say, StartRequest

DEMO, SYMBOLS, SPEED = "demo", ("AAPL", "MSFT"), 60.0


def write_private(path: Path, text: str) -> None:
    """A file that only its owner can read, from its first byte on; there whole, or not at all."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    fresh.write_text(text + "\n")
    fresh.replace(path)


def ensure_secret_key() -> None:
    kept = Path(settings.VAR_DIR) / "secret_key"
    if not kept.exists():
        write_private(kept, secrets.token_urlsafe(50))


def ensure_admin() -> str | None:
    """Make the login `admin` where there is no superuser; returns the password that was made."""
    users = get_user_model().objects
    if users.filter(is_superuser=True).exists():
        return None
    password = secrets.token_urlsafe(12)
    write_private(Path(settings.VAR_DIR) / "admin_password", password)
    users.create_superuser("admin", password=password)
    return password


def open_demo(say: Say) -> Session:
    """The demo session: the one that is still live, else a new one, on real data where there is any."""
    live = Session.objects.live().filter(name=DEMO).exclude(state="created").first()
    if live:
        say(f"Session {live.pk} goes on: {', '.join(live.symbols())} at {live.clock or 'its start'}")
        return live
    provider = "" if store.choose_dataset(SYMBOLS) else "synthetic"
    request = StartRequest(SYMBOLS, speed=SPEED, name=DEMO, provider=provider, created_by="manage.py up")
    return service.start(request, say).session
