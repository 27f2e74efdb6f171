"""The roles: groups that `migrate` makes and keeps, each with what the one before it may and more.

viewer    sees sessions and their accounts, up to the clock: all `replay.view_...` but `view_sessionkey`, and all
          `broker.view_...`
analyst   looks into the store, ahead of any clock: all `marketdata.view_...`
operator  starts and controls sessions (`replay.add_session`, `replay.change_session`), hands out their keys (all of
          `replay...._sessionkey`), opens accounts and trades them (`broker.add_account`, `broker.trade_account`)
admin     everything of `replay`, `broker` and `marketdata`, and users, groups and tokens

Missing permissions are added at every `migrate`, so that a role covers models that came later; nothing is taken away.
"""

from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db.models import Q

VIEWER = Q(content_type__app_label__in=["replay", "broker"], codename__startswith="view_") & ~Q(
    codename="view_sessionkey"
)
ANALYST = VIEWER | Q(content_type__app_label="marketdata", codename__startswith="view_")
OPERATOR = (
    ANALYST
    | Q(content_type__app_label="replay", codename__in=["add_session", "change_session"])
    | Q(content_type__app_label="replay", codename__endswith="_sessionkey")
    | Q(content_type__app_label="broker", codename__in=["add_account", "trade_account"])
)
ADMIN = Q(content_type__app_label__in=["replay", "broker", "marketdata", "auth", "authtoken"])
ROLES = {"viewer": VIEWER, "analyst": ANALYST, "operator": OPERATOR, "admin": ADMIN}


def ensure_roles(**_: Any) -> None:
    """After `migrate` has made the permissions; also after a flush."""
    for name, rule in ROLES.items():
        group, _created = Group.objects.get_or_create(name=name)
        group.permissions.add(*Permission.objects.filter(rule))
