from django.urls import include, path, re_path
from rest_framework.routers import SimpleRouter

from streaming.api.keys import SessionKeysView, SessionKeyView
from streaming.api.readers import AcknowledgeView, ReadersView
from streaming.api.stream import StreamView
from streaming.api.views import SessionViewSet, StatusView, TokenView

router = SimpleRouter()
router.register("sessions", SessionViewSet)

urlpatterns = [
    path("status/", StatusView.as_view(), name="status"),
    path("token/", TokenView.as_view(), name="token"),
    path("sessions/<int:pk>/keys/", SessionKeysView.as_view(), name="session-keys"),
    path("sessions/<int:pk>/keys/<str:key_id>/", SessionKeyView.as_view(), name="session-key"),
    re_path(r"^sessions/(?P<pk>\d+)/stream/$", StreamView.as_view(), name="session-stream"),
    re_path(r"^sessions/(?P<pk>\d+)/readers/$", ReadersView.as_view(), name="session-readers"),
    re_path(
        r"^sessions/(?P<pk>\d+)/readers/(?P<name>[A-Za-z0-9_.:-]{1,64})/acknowledge/$",
        AcknowledgeView.as_view(),
        name="session-reader-acknowledge",
    ),
    path("", include(router.urls)),
]
