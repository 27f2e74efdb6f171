"""Who may do what: Django's own model permissions, reading included; a session key reads its own session."""

from rest_framework.permissions import SAFE_METHODS, BasePermission, DjangoModelPermissions
from rest_framework.request import Request
from rest_framework.views import APIView

from sessions.models import SessionKey

VIEW = ["%(app_label)s.view_%(model_name)s"]
CHANGE = ["%(app_label)s.change_%(model_name)s"]


class ModelPermissions(DjangoModelPermissions):
    """DRF's class lets every user read; here reading is a permission too."""

    perms_map = {**DjangoModelPermissions.perms_map, "GET": VIEW, "HEAD": VIEW}

    def has_permission(self, request: Request, view: APIView) -> bool:
        if isinstance(request.auth, SessionKey):
            self.message = f"A key of session {request.auth.session_id} reads that session and nothing else."
            return request.method in SAFE_METHODS and view.kwargs.get("pk") == str(request.auth.session_id)
        return bool(super().has_permission(request, view))


class ControlPermissions(ModelPermissions):
    """A control is a POST that changes a row: it needs `change`, not `add`."""

    perms_map = {**ModelPermissions.perms_map, "POST": CHANGE}


class CanViewSessions(BasePermission):
    message = "This needs the permission replay.view_session."

    def has_permission(self, request: Request, view: APIView) -> bool:
        return bool(request.user and request.user.has_perm("replay.view_session"))


class CanAnalyze(BasePermission):
    """For what reads the store on a session's behalf: both permissions, as analysts have them."""

    message = "This needs the permissions replay.view_session and marketdata.view_bar."

    def has_permission(self, request: Request, view: APIView) -> bool:
        return bool(request.user and request.user.has_perms(["replay.view_session", "marketdata.view_bar"]))
