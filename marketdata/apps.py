from django.apps import AppConfig


class MarketdataConfig(AppConfig):
    name = "marketdata"
    verbose_name = "Market data"

    def ready(self) -> None:
        import marketdata.importing.checks
        import marketdata.providers.provider_checks  # noqa: F401
