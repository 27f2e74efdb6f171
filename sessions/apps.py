from django.apps import AppConfig


class SessionsConfig(AppConfig):
    name = "sessions"
    label = "replay"  # Django's own app already has the label "sessions".
    verbose_name = "Replay"
