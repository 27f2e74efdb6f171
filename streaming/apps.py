from django.apps import AppConfig
from django.db.models.signals import post_migrate


class StreamingConfig(AppConfig):
    name = "streaming"

    def ready(self) -> None:
        from django.apps import apps

        from streaming.roles import ensure_roles

        # The signal comes once for each app that has models: after the last one all permissions are there.
        last = [config for config in apps.get_app_configs() if config.models_module][-1]
        post_migrate.connect(ensure_roles, sender=last, dispatch_uid="tapedeck.roles")
