from django.urls import include, path, re_path
from rest_framework.routers import SimpleRouter

from web.api.account_views import (
    AccountsView,
    ActivitiesView,
    EquityView,
    ExecutionsView,
    OneAccountView,
)
from web.api.key_views import SessionKeysView, SessionKeyView
from web.api.order_views import OneOrderView, OrdersView
from web.api.position_views import PositionsView, PositionView
from web.api.reader_views import AcknowledgeView, ReadersView
from web.api.stream_view import StreamView
from web.api.verification_views import VerificationsView, VerificationView
from web.api.views import SessionViewSet, StatusView, TokenView

router = SimpleRouter()
router.register("sessions", SessionViewSet)

urlpatterns = [
    path("status/", StatusView.as_view(), name="status"),
    path("token/", TokenView.as_view(), name="token"),
    path("sessions/<int:pk>/keys/", SessionKeysView.as_view(), name="session-keys"),
    re_path(
        r"^sessions/(?P<pk>[0-9]{1,18})/keys/(?P<key_id>[A-Z0-9]{1,20})/$", SessionKeyView.as_view(), name="session-key"
    ),
    re_path(r"^sessions/(?P<pk>\d+)/stream/$", StreamView.as_view(), name="session-stream"),
    re_path(r"^sessions/(?P<pk>\d+)/readers/$", ReadersView.as_view(), name="session-readers"),
    re_path(
        r"^sessions/(?P<pk>\d+)/readers/(?P<name>[A-Za-z0-9_.:-]{1,64})/acknowledge/$",
        AcknowledgeView.as_view(),
        name="session-reader-acknowledge",
    ),
    path("sessions/<int:pk>/accounts/", AccountsView.as_view(), name="accounts"),
    path("sessions/<int:pk>/accounts/<str:name>/", OneAccountView.as_view(), name="account"),
    path("sessions/<int:pk>/accounts/<str:name>/orders/", OrdersView.as_view(), name="account-orders"),
    path("sessions/<int:pk>/accounts/<str:name>/orders/<uuid:order_id>/", OneOrderView.as_view(), name="account-order"),
    path("sessions/<int:pk>/accounts/<str:name>/positions/", PositionsView.as_view(), name="positions"),
    path("sessions/<int:pk>/accounts/<str:name>/positions/<str:symbol>/", PositionView.as_view(), name="position"),
    path("sessions/<int:pk>/accounts/<str:name>/executions/", ExecutionsView.as_view(), name="account-executions"),
    path("sessions/<int:pk>/accounts/<str:name>/activities/", ActivitiesView.as_view(), name="account-activities"),
    path("sessions/<int:pk>/accounts/<str:name>/equity/", EquityView.as_view(), name="account-equity"),
    path("sessions/<int:pk>/verifications/", VerificationsView.as_view(), name="session-verifications"),
    path("sessions/<int:pk>/verifications/<int:number>/", VerificationView.as_view(), name="session-verification"),
    path("", include(router.urls)),
]
