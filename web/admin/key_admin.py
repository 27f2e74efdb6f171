"""Session keys in the admin: made here with their secret shown once, revoked here, never changed or deleted."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.decorators import action, display

from sessions import keys
from sessions.models import SessionKey


@admin.register(SessionKey)
class SessionKeyAdmin(ModelAdmin):
    list_display = ["key_id", "session", "kind", "lockstep", "shown_valid", "created_by", "created_at", "last_used_at"]
    list_filter = ["kind"]
    list_select_related = ["session"]
    search_fields = ["key_id"]
    show_full_result_count = False
    autocomplete_fields = ["session"]
    fields = ["session", "kind", "lockstep"]
    actions = ["revoke"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("replay.change_sessionkey"))

    def get_fields(self, request: HttpRequest, obj: SessionKey | None = None) -> list[str]:
        shown = ["key_id", "created_by", "created_at", "last_used_at", "revoked_at"]
        return [*self.fields, *shown] if obj else self.fields

    def save_model(self, request: HttpRequest, obj: SessionKey, form: Any, change: bool) -> None:
        key, secret = keys.create(obj.session, obj.kind, by=request.user.get_username(), lockstep=obj.lockstep)
        obj.pk, obj.key_id = key.pk, key.key_id
        token = f"token {key.key_id}.{secret}" if key.kind == keys.Kind.READER else f"id {key.key_id}, secret {secret}"
        self.message_user(request, f"Copy it now, it is not shown again: {token}", messages.WARNING)

    @action(description="Revoke", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[SessionKey]) -> None:
        for key_id in queryset.values_list("key_id", flat=True):
            keys.revoke(key_id, by=request.user.get_username())
            self.message_user(request, f"{key_id} is revoked.", messages.SUCCESS)

    @display(description="state", label={"valid": "success", "revoked": "warning"})
    def shown_valid(self, key: SessionKey) -> str:
        return "valid" if key.revoked_at is None else "revoked"
