"""The composition root of addresses: admin, API, docs, health."""

from django.contrib import admin
from django.contrib.auth.decorators import login_required
from django.urls import include, path, re_path, reverse_lazy
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.permissions import IsAuthenticated

from config.health import healthz, readyz
from config.metrics import MetricsView
from marketdata.api import BarsView
from marketdata.api_status import DataStatusView
from marketdata.ticks.api import QuotesView, TradesView
from streaming.api.views import NoSuchAddressView

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
    path("api/", include("streaming.api.urls")),
    path("api/bars/", BarsView.as_view(), name="bars"),
    path("api/data-status/", DataStatusView.as_view(), name="data-status"),
    path("api/trades/", TradesView.as_view(), name="trades"),
    path("api/quotes/", QuotesView.as_view(), name="quotes"),
    path("api/schema/", schema, name="schema"),
    path("api/docs/", login_required(docs, login_url=reverse_lazy("admin:login")), name="docs"),
    re_path(r"^alpaca/+", include("streaming.gateway.urls")),
    re_path(r"^api/([\s\S]*/)?$", NoSuchAddressView.as_view()),
]
handler500 = "config.failures.server_error"
