from django.urls import include, path
from rest_framework.routers import SimpleRouter

from streaming.api.views import SessionViewSet, StatusView, TokenView

router = SimpleRouter()
router.register("sessions", SessionViewSet)

urlpatterns = [
    path("status/", StatusView.as_view(), name="status"),
    path("token/", TokenView.as_view(), name="token"),
    path("", include(router.urls)),
]
