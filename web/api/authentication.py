"""`Authorization: Bearer <key_id>.<secret>`: a session's key opens that session, a broker key its account too."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AnonymousUser
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, TokenAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from sessions import keys
from sessions.models import SessionKey
from web.api.throttles import StrangerThrottle

DESCRIPTION = "A session's key: `<key_id>.<secret>`. It reads the session; a broker key also trades its account."


class KeyHolder(AnonymousUser):
    """Who comes with a session key: no user and no permission; `web.api.permissions` has what it may."""

    def __init__(self, key: SessionKey) -> None:
        super().__init__()
        self.key = key
        self.username = f"key {key.key_id}"  # type: ignore[assignment]

    @property
    def is_anonymous(self) -> bool:  # type: ignore[override]
        return False

    @property
    def is_authenticated(self) -> bool:  # type: ignore[override]
        return True


class AccountAuthentication(TokenAuthentication):
    """An account's token. Asked before the others, it refuses an address that has guessed too often."""

    def authenticate(self, request: Request) -> Any:
        if get_authorization_header(request):
            StrangerThrottle().refuse_guessers(request)
        return super().authenticate(request)

    def authenticate_credentials(self, key: str) -> Any:
        if not key.isalnum():
            raise AuthenticationFailed("Invalid token.")  # Postgres takes no NUL, not even to look for it
        return super().authenticate_credentials(key)


class SessionKeyAuthentication(BaseAuthentication):
    keyword = "Bearer"

    def authenticate(self, request: Request) -> tuple[KeyHolder, SessionKey] | None:
        scheme, _, token = get_authorization_header(request).partition(b" ")
        if scheme.lower() != self.keyword.lower().encode():
            return None
        key = keys.check_token(token.decode("latin-1").strip())
        if key is None:
            raise AuthenticationFailed("The session key is unknown or revoked: make one with create_api_key.")
        return KeyHolder(key), key

    def authenticate_header(self, request: Request) -> str:
        return self.keyword


class SessionKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = SessionKeyAuthentication
    name = "sessionKey"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": DESCRIPTION}
