"""Who may do what: Django's own model permissions, reading included.

A session key reads its own session; one of a broker also trades its own account there.
"""

from typing import Any

from rest_framework.permissions import SAFE_METHODS, BasePermission, DjangoModelPermissions
from rest_framework.request import Request
from rest_framework.views import APIView

from broker.accounts import account_id_of
from broker.models import Account
from sessions.models import SessionKey
from web.holders import ANALYZE, CONTROL_SESSION, TRADE_ACCOUNT, VIEW_ACCOUNT, VIEW_SESSION

VIEW = ["%(app_label)s.view_%(model_name)s"]
OTHER_KEY = " An account needs a key of its own: create_api_key --kind broker."
CHANGE = ["%(app_label)s.change_%(model_name)s"]


def is_its_session(key: SessionKey, view: APIView) -> bool:
    return str(view.kwargs.get("pk")) == str(key.session_id)


def own_account(key: SessionKey) -> Account:
    """The one that a broker key trades."""
    return Account.objects.select_related("session__run").get(pk=account_id_of(key))


def visible_accounts(session_id: int, auth: Any) -> list[Account]:
    """Those that a caller may see who may see any. `auth`: what the API recognized the caller by."""
    if isinstance(auth, SessionKey):
        return [own_account(auth)]
    return list(Account.objects.filter(session=session_id))


def no_account(key: SessionKey) -> str:
    """Why a key does not get what it asked for of an account."""
    other = "" if key.kind == SessionKey.Kind.BROKER else OTHER_KEY
    return what_it_may(key) + other


def what_it_may(key: SessionKey) -> str:
    if key.kind == SessionKey.Kind.BROKER:
        return f"This key reads session {key.session_id} and trades its account {own_account(key).name}, nothing else."
    return f"A key of session {key.session_id} reads that session and nothing else."


class ModelPermissions(DjangoModelPermissions):
    """DRF's class lets every user read; here reading is a permission too."""

    perms_map = {**DjangoModelPermissions.perms_map, "GET": VIEW, "HEAD": VIEW}

    def has_permission(self, request: Request, view: APIView) -> bool:
        if isinstance(request.auth, SessionKey):
            may = request.method in SAFE_METHODS and is_its_session(request.auth, view)
            if not may:
                self.message = what_it_may(request.auth)
            return may
        return bool(super().has_permission(request, view))


class ControlPermissions(ModelPermissions):
    """A control is a POST that changes a row: it needs `change`, not `add`."""

    perms_map = {**ModelPermissions.perms_map, "POST": CHANGE}


class MayLockstep(BasePermission):
    """Lockstep is a control: whoever has the replay wait can slow it down and hold it."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        if isinstance(request.auth, SessionKey):
            key = request.auth
            if not is_its_session(key, view):
                self.message = what_it_may(key)
                return False
            self.message = "This key has no right to lockstep: make one with create_api_key --lockstep."
            return key.lockstep
        self.message = f"Lockstep needs the permissions {VIEW_SESSION} and {CONTROL_SESSION}."
        return bool(request.user and request.user.has_perms([VIEW_SESSION, CONTROL_SESSION]))


class CanViewSessions(BasePermission):
    message = "This needs the permission replay.view_session."

    def has_permission(self, request: Request, view: APIView) -> bool:
        return bool(request.user and request.user.has_perm("replay.view_session"))


class AccountPermissions(BasePermission):
    """Seeing accounts, opening them and trading them are three permissions; a broker key sees and trades its own."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        is_reading = request.method in SAFE_METHODS
        if isinstance(key := request.auth, SessionKey):
            may = key.kind == SessionKey.Kind.BROKER and is_its_session(key, view)
            name = view.kwargs.get("name")
            may = may and (is_reading if name is None else own_account(key).name == name)
            if not may:
                self.message = no_account(key)
            return may
        needed = VIEW_ACCOUNT if is_reading else getattr(view, "changing", TRADE_ACCOUNT)
        self.message = f"This needs the permission {needed}."
        return bool(request.user and request.user.has_perm(needed))


class CanViewAccounts(BasePermission):
    """Of a stream, which is of the key's session."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        if isinstance(key := request.auth, SessionKey):
            self.message = no_account(key)
            return key.kind == SessionKey.Kind.BROKER
        self.message = f"Following accounts needs the permission {VIEW_ACCOUNT}."
        return bool(request.user and request.user.has_perm(VIEW_ACCOUNT))


class CanAnalyze(BasePermission):
    """For what reads the store on a session's behalf: both permissions, as analysts have them."""

    message = f"This needs the permissions {' and '.join(ANALYZE)}."

    def has_permission(self, request: Request, view: APIView) -> bool:
        return bool(request.user and request.user.has_perms(ANALYZE))
