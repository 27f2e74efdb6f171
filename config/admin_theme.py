"""The admin's looks: its menu, its icon, its styles."""

from django.templatetags.static import static
from django.urls import reverse_lazy


def _section(path: str) -> str:
    """The list that a page belongs to; an add page, and the landing page, belong to none but themselves."""
    parts = path.strip("/").split("/")
    return path if parts[-1] == "add" else "/".join(parts[:3])


def _page(title: str, icon: str, name: str, permission: str = "") -> dict[str, object]:
    """A line of the admin's menu, shown to those who may open it."""
    link = reverse_lazy(name)
    line: dict[str, object] = {"title": title, "icon": icon, "link": link}
    line["active"] = lambda request: _section(request.path) == _section(str(link))
    return line | {"permission": lambda request: request.user.has_perm(permission)} if permission else line


MENU = [
    {
        "title": "Replay",
        "items": [
            _page("Now playing", "album", "admin:index"),
            _page("Sessions", "play_circle", "admin:replay_session_changelist", "replay.view_session"),
            _page("Start a session", "add_circle", "admin:replay_session_add", "replay.add_session"),
            _page("Streams", "sensors", "admin:replay_activestream_changelist", "replay.view_activestream"),
            _page("Events", "notifications", "admin:replay_sessionevent_changelist", "replay.view_sessionevent"),
            _page("Journal", "menu_book", "admin:replay_journalentry_changelist", "replay.view_journalentry"),
            _page("Verifications", "verified", "admin:replay_verification_changelist", "replay.view_verification"),
            _page("Session keys", "key", "admin:replay_sessionkey_changelist", "replay.view_sessionkey"),
        ],
    },
    {
        "title": "Trading",
        "items": [
            _page("Accounts", "account_balance", "admin:broker_account_changelist", "broker.view_account"),
            _page("Orders", "list_alt", "admin:broker_order_changelist", "broker.view_order"),
            _page("Executions", "swap_horiz", "admin:broker_accountevent_changelist", "broker.view_accountevent"),
        ],
    },
    {
        "title": "Store",
        "items": [
            _page("Import files", "upload_file", "admin:marketdata_upload_add", "marketdata.add_import"),
            _page("Imports", "input", "admin:marketdata_import_changelist", "marketdata.view_import"),
            _page("Days", "calendar_month", "admin:marketdata_dayversion_changelist", "marketdata.view_dayversion"),
            _page("Bars", "candlestick_chart", "admin:marketdata_bar_changelist", "marketdata.view_bar"),
            _page("Instruments", "sell", "admin:marketdata_instrument_changelist", "marketdata.view_instrument"),
            _page("Datasets", "database", "admin:marketdata_dataset_changelist", "marketdata.view_dataset"),
            _page(
                "Quarantine", "report", "admin:marketdata_quarantinedrow_changelist", "marketdata.view_quarantinedrow"
            ),
            _page(
                "Fetches", "cloud_download", "admin:marketdata_fetchattempt_changelist", "marketdata.view_fetchattempt"
            ),
        ],
    },
    {
        "title": "System",
        "items": [
            _page("Workers", "memory", "admin:replay_serviceheartbeat_changelist", "replay.view_serviceheartbeat"),
            _page("Users", "person", "admin:auth_user_changelist", "auth.view_user"),
            _page("Groups", "group", "admin:auth_group_changelist", "auth.view_group"),
            _page("API", "api", "docs"),
        ],
    },
]
UNFOLD = {
    "SIDEBAR": {"show_search": True, "navigation": MENU},
    "DASHBOARD_CALLBACK": "web.admin.landing.index",
    "SITE_TITLE": "Tapedeck",
    "SITE_HEADER": "Tapedeck",
    "SITE_SYMBOL": "album",
    "SITE_URL": None,
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("marketdata/icon.svg")},
    ],
    "LOGIN": {"form": "config.login.LoginForm"},
    "STYLES": [lambda request: static("marketdata/tapedeck.css")],
}
