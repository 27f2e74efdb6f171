"""The admin's login: as many tries as the API gives, counted together with them."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from rest_framework.request import Request
from unfold.forms import AuthenticationForm

from web.api.throttles import LoginThrottle


class LoginForm(AuthenticationForm):
    """Asks the throttle before it looks at the password: a right one is refused like a wrong one."""

    def clean(self) -> dict[str, Any]:
        throttle = LoginThrottle()
        asked = Request(self.request)
        if not throttle.allows(*throttle.caller(asked)):
            seconds = round(throttle.wait())
            raise ValidationError(f"Too many tries from {asked.META['REMOTE_ADDR']}: come back in {seconds} s.")
        given: dict[str, Any] = super().clean()
        return given
