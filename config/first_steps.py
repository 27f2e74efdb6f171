"""What the first `manage.py up` makes: the secret key and the admin's login."""

from __future__ import annotations

import secrets
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model


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


def login_line(password: str | None) -> str:
    """Where the way in is: the password that was just made, the file that has it, or whoever made the account."""
    kept = Path(settings.VAR_DIR) / "admin_password"
    if password:
        return f"admin / {password}   (also in {kept})"
    if kept.exists():
        return f"admin, unless you changed it with the password in {kept}"
    return "yours: `manage.py changepassword NAME` sets a new password"
