"""Options of Django REST framework and of the schema that it serves."""

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "web.api.authentication.AccountAuthentication",
        "web.api.authentication.SessionKeyAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": [
        "rest_framework.renderers.JSONRenderer",
        "rest_framework.renderers.BrowsableAPIRenderer",
    ],
    "DEFAULT_PARSER_CLASSES": ["web.api.parsers.BoundedJSONParser"],
    "DEFAULT_FILTER_BACKENDS": ["web.api.filters.StrictFilterBackend"],
    "DEFAULT_THROTTLE_CLASSES": ["web.api.throttles.Throttle"],
    "NUM_PROXIES": 0,  # `config.proxies` has put the client's address in its place
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "web.api.problems.exception_handler",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Tapedeck",
    "DESCRIPTION": "Replay any stored trading day as if it were today.",
    "VERSION": "0.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "ENUM_NAME_OVERRIDES": {
        "SessionState": "sessions.models.State",
        "VerificationState": "sessions.models.Verification.State",
        "ImportState": "marketdata.models.Import.State",
        "SessionKeyKind": "sessions.models.SessionKey.Kind",
        "DayKind": "marketdata.kinds.DayKind",
        "OrderSide": "web.api.order_serializers.SIDES",
        "OrderType": "web.api.order_serializers.TYPES",
        "OrderTimeInForce": "web.api.order_serializers.TIMES_IN_FORCE",
        "OrderStatus": "web.api.order_serializers.STATUSES",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "web.api.schema.add_problems",
        "web.api.schema.add_summaries",
    ],
}
