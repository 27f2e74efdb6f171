"""The composition root of addresses: admin, API, docs, health."""

from django.contrib import admin
from django.contrib.auth.decorators import login_required
from django.urls import include, path, re_path, reverse_lazy
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.permissions import IsAuthenticated

from config.health import healthz, readyz
from config.metrics import MetricsView
from marketdata.api.actions_view import ActionsView
from marketdata.api.bars_view import BarsView
from marketdata.api.imports_view import DataView, ImportsView, OneImportView, UndoView
from marketdata.api.status_view import DataStatusView
from marketdata.api.ticks_view import QuotesView, TradesView
from web.api.views import NoSuchAddressView

admin.autodiscover()
admin.site.site_title = "Tapedeck"
admin.site.site_header = "Tapedeck"
admin.site.index_title = "Tapedeck"

schema = SpectacularAPIView.as_view(permission_classes=[IsAuthenticated])
docs = SpectacularSwaggerSplitView.as_view(permission_classes=[IsAuthenticated], title="Tapedeck API")

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index"), name="home"),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", MetricsView.as_view(), name="metrics"),
    path("admin/", admin.site.urls),
    path("api/", include("web.api.urls")),
    path("api/actions/", ActionsView.as_view(), name="actions"),
    path("api/bars/", BarsView.as_view(), name="bars"),
    path("api/data/", DataView.as_view(), name="data"),
    path("api/data-status/", DataStatusView.as_view(), name="data-status"),
    path("api/imports/", ImportsView.as_view(), name="imports"),
    re_path(r"^api/imports/(?P<number>[0-9]+)/$", OneImportView.as_view(), name="import"),
    re_path(r"^api/imports/(?P<number>[0-9]+)/undo/$", UndoView.as_view(), name="import-undo"),
    path("api/trades/", TradesView.as_view(), name="trades"),
    path("api/quotes/", QuotesView.as_view(), name="quotes"),
    path("api/schema/", schema, name="schema"),
    path("api/docs/", login_required(docs, login_url=reverse_lazy("admin:login")), name="docs"),
    re_path(r"^alpaca/+", include("gateway.urls")),
    re_path(r"^api/([\s\S]*/)?$", NoSuchAddressView.as_view()),
]
handler400 = "config.failures.bad_request"
handler403 = "config.failures.permission_denied"
handler404 = "config.failures.page_not_found"
handler500 = "config.failures.server_error"
