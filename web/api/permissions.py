"""Who may do what: Django's own model permissions, reading included; a session key reads its own session."""

from rest_framework.permissions import SAFE_METHODS, BasePermission, DjangoModelPermissions
from rest_framework.request import Request
from rest_framework.views import APIView

from sessions.models import SessionKey
from web.holders import ANALYZE, CONTROL_SESSION, VIEW_ACCOUNT, VIEW_SESSION

VIEW = ["%(app_label)s.view_%(model_name)s"]
CHANGE = ["%(app_label)s.change_%(model_name)s"]


class ModelPermissions(DjangoModelPermissions):
    """DRF's class lets every user read; here reading is a permission too."""

    perms_map = {**DjangoModelPermissions.perms_map, "GET": VIEW, "HEAD": VIEW}

    def has_permission(self, request: Request, view: APIView) -> bool:
        if isinstance(request.auth, SessionKey):
            self.message = f"A key of session {request.auth.session_id} reads that session and nothing else."
            return request.method in SAFE_METHODS and str(view.kwargs.get("pk")) == str(request.auth.session_id)
        return bool(super().has_permission(request, view))


class ControlPermissions(ModelPermissions):
    """A control is a POST that changes a row: it needs `change`, not `add`."""

    perms_map = {**ModelPermissions.perms_map, "POST": CHANGE}


class MayLockstep(BasePermission):
    """Lockstep is a control: whoever has the replay wait can slow it down and hold it."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        if isinstance(request.auth, SessionKey):
            key = request.auth
            if str(view.kwargs.get("pk")) != str(key.session_id):
                self.message = f"A key of session {key.session_id} reads that session and nothing else."
                return False
            self.message = "This key has no right to lockstep: make one with create_api_key --lockstep."
            return key.lockstep
        self.message = f"Lockstep needs the permissions {VIEW_SESSION} and {CONTROL_SESSION}."
        return bool(request.user and request.user.has_perms([VIEW_SESSION, CONTROL_SESSION]))


class CanViewSessions(BasePermission):
    message = "This needs the permission replay.view_session."

    def has_permission(self, request: Request, view: APIView) -> bool:
        return bool(request.user and request.user.has_perm("replay.view_session"))


class CanViewAccounts(BasePermission):
    message = f"Following accounts needs the permission {VIEW_ACCOUNT}."

    def has_permission(self, request: Request, view: APIView) -> bool:
        return bool(request.user and request.user.has_perm(VIEW_ACCOUNT))


class CanAnalyze(BasePermission):
    """For what reads the store on a session's behalf: both permissions, as analysts have them."""

    message = f"This needs the permissions {' and '.join(ANALYZE)}."

    def has_permission(self, request: Request, view: APIView) -> bool:
        return bool(request.user and request.user.has_perms(ANALYZE))
