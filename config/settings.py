"""Settings, all from the environment; what is unset gets a default that is right for one machine.

DATABASE_URL and REDIS_URL choose the servers; unset, the embedded ones under VAR_DIR are used.
"""

from importlib.util import find_spec
from pathlib import Path

import environ
from csp.constants import NONE, SELF, UNSAFE_EVAL, UNSAFE_INLINE
from django.core.exceptions import ImproperlyConfigured

from config import addresses, proxies
from config.admin_theme import UNFOLD as UNFOLD
from config.api_framework import REST_FRAMEWORK as REST_FRAMEWORK
from config.api_framework import SPECTACULAR_SETTINGS as SPECTACULAR_SETTINGS
from config.embedded import paths

env = environ.Env()

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(env("VAR_DIR", default=str(paths.default_var(BASE_DIR)))).resolve()

DEBUG = env.bool("DEBUG", default=False)
PRODUCTION = env.bool("PRODUCTION", default=False)


def _secret_key() -> str:
    """From the environment; on one's own machine from the file `manage.py up` made under var/."""
    kept = VAR_DIR / "secret_key"
    if key := str(env("SECRET_KEY", default="")):
        return key
    if PRODUCTION:
        raise ImproperlyConfigured("SECRET_KEY is not set: production takes it from the environment.")
    return kept.read_text().strip() if kept.exists() else "unsafe-until-manage.py-up-has-made-var/secret_key"


SECRET_KEY = _secret_key()
ALLOWED_HOSTS = env.list(
    "ALLOWED_HOSTS", default=[] if PRODUCTION else ["localhost", "127.0.0.1", "[::1]", "testserver"]
)
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    "config",
    "web",
    "gateway",
    "broker.apps.BrokerConfig",
    "streaming",
    "sessions.apps.SessionsConfig",
    "marketdata",
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin.apps.SimpleAdminConfig",  # the pages are found by `config.urls`: commands do without them
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "rest_framework",
    "rest_framework.authtoken",
    "django_filters",
    "csp",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "web.admin.clean_addresses.CleanAddresses",
    "gateway.callers.cors.Cors",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, UNSAFE_EVAL],  # the admin's Alpine makes functions of its attributes; nothing is inline
        "style-src": [SELF, UNSAFE_INLINE],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}
"""Pages load nothing that this server does not serve, and run no script that a text could have brought along."""

ROOT_URLCONF = "config.urls"
LOGIN_REDIRECT_URL = "admin:index"
ASGI_APPLICATION = "config.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

EMBEDDED_POSTGRES = "DATABASE_URL" not in env.ENVIRON
EMBEDDED_REDIS = "REDIS_URL" not in env.ENVIRON
DATABASE_URL = env("DATABASE_URL", default=paths.postgres_url(VAR_DIR))
REDIS_URL = addresses.redis_url(env("REDIS_URL", default=paths.valkey_url(VAR_DIR)))
REDIS_PREFIX = addresses.redis_prefix(
    env("REDIS_PREFIX", default="tapedeck" if EMBEDDED_REDIS else addresses.derived_prefix(DATABASE_URL))
)
"""What every key in Redis begins with, and every channel: the same in all processes, and this installation's alone."""


def _objects(name: str) -> dict[str, dict[str, object]]:
    """A JSON object from the environment, name → options."""
    try:
        found = env.json(name, default={})
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} is not JSON: {error}.") from None
    if not isinstance(found, dict):
        raise ImproperlyConfigured(f'{name} is no JSON object: write it as {{"name": {{…}}}}.')
    return found


DATABASE_POOL = env.int("DATABASE_POOL", default=16)
DATABASES = {"default": addresses.database(DATABASE_URL, pool=DATABASE_POOL)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TASKS_APP = "config.celery.app"
"""Where the Celery application is: it is imported when a task is first sent."""
CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://", 1).replace("?db=", "?virtual_host=", 1)
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "global_keyprefix": f"{REDIS_PREFIX}:celery:",
    "socket_connect_timeout": 2,
    "socket_timeout": 10,  # longer than the second for which a worker's read may wait
}
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_max": 0.2}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_DEFAULT_QUEUE = "upkeep"
CELERY_TASK_ROUTES = {
    "streaming.tasks.replay_session": {"queue": "replay"},
    "streaming.tasks.start_session": {"queue": "starts"},
}
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULE = {
    "upkeep": {"task": "streaming.tasks.run_upkeep", "schedule": 60.0, "options": {"expires": 55}},
}
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "celerybeat-schedule")

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": f"{REDIS_PREFIX}:cache",
        "OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 2},
    }
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    # The pool logs each failed try; whoever asked for a connection gets the error and says it once.
    "loggers": {
        "psycopg.pool": {"level": "CRITICAL"},
        "django.request": {"handlers": ["console"], "level": "ERROR"},  # a failed page's traceback is in the log
    },
}

LANGUAGE_CODE = "en-us"
FORMAT_MODULE_PATH = ["config.formats"]
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static" if PRODUCTION else None  # elsewhere the finders serve them
WHITENOISE_USE_FINDERS = not PRODUCTION
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "marketdata.chart_library.ChartLibraryFinder",
]
PLAIN = "django.contrib.staticfiles.storage.StaticFilesStorage"
PACKED = "whitenoise.storage.CompressedManifestStaticFilesStorage"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": PACKED if PRODUCTION else PLAIN},
}

if PRODUCTION:
    SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=True)
    SECURE_REDIRECT_EXEMPT = [r"^readyz$"]  # what watches a process asks it without the proxy
    SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=31_536_000)
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True

# --- what the product adds -------------------------------------------------------------------------

TAPEDECK_URL = env("TAPEDECK_URL", default=paths.running_address(VAR_DIR) or "http://127.0.0.1:8000")
"""Where people reach the web process: for the addresses that commands print."""

MARKETDATA_PROVIDERS: dict[str, dict[str, object]] = {
    "synthetic": {"BACKEND": "marketdata.providers.synthetic.SyntheticProvider"},
}
"""Name → {"BACKEND": dotted path, "OPTIONS": {...}}, like Django's own backends."""
if folder := env("BARS_FOLDER", default=""):
    MARKETDATA_PROVIDERS["files"] = {
        "BACKEND": "marketdata.providers.files.FilesProvider",
        "OPTIONS": {"root": folder},
    }
if {"APCA_API_KEY_ID", "APCA_API_SECRET_KEY"} <= set(env.ENVIRON) and find_spec("alpaca"):
    MARKETDATA_PROVIDERS["alpaca"] = {
        "BACKEND": "marketdata.providers.alpaca.AlpacaProvider",
        "OPTIONS": {
            "feed": env("ALPACA_FEED", default="sip"),
            "adjustment": env("ALPACA_ADJUSTMENT", default="raw"),
            "base_url": env("ALPACA_DATA_URL", default=""),
        },
    }
MARKETDATA_PROVIDERS |= _objects("MARKETDATA_PROVIDERS")

TRUSTED_PROXIES = proxies.networks(env.list("TRUSTED_PROXIES", default=["127.0.0.0/8", "::1"]))
"""Networks of the proxies whose X-Forwarded-For and X-Forwarded-Proto are believed."""

WEB_REQUESTS_AT_ONCE = env.int("WEB_REQUESTS_AT_ONCE", default=DATABASE_POOL)
"""Requests and handshakes that a web process works on at once: each takes a thread, and mostly a connection."""
WEB_REQUESTS_WAITING = env.int("WEB_REQUESTS_WAITING", default=1000)
"""Requests, and sockets without a key yet, that wait; more get a 503 at once."""
WEB_WAIT_SECONDS = env.float("WEB_WAIT_SECONDS", default=10.0)
"""After which a request that waits gets a 503."""

API_RATES = {
    "caller": env.int("API_RATE", default=1200),
    "stranger": env.int("API_RATE_STRANGERS", default=60),
    "login": env.int("API_RATE_LOGIN", default=10),
}
"""Requests a minute: of an account or session key, of an address without either, of passwords from an address."""

MARKETDATA_MAPPINGS: dict[str, dict[str, object]] = _objects("MARKETDATA_MAPPINGS")
"""Name → how that vendor's files are read: COLUMNS, HEADER, TZ, LABEL, DATE_ORDER, DELIMITER, SCALE."""
UPLOADS_FOLDER = Path(env("UPLOADS_FOLDER", default=str(VAR_DIR / "uploads")))
"""Where files wait that were dropped on the import page: web and workers share it."""
UPLOAD_MAX_BYTES = env.int("UPLOAD_MAX_BYTES", default=512 * 1024**2)
"""Bytes of one upload, all its files together."""
UPLOAD_MAX_FILES = env.int("UPLOAD_MAX_FILES", default=200)
"""Files of one upload."""
PROVIDER_DEADLINE = env.float("PROVIDER_DEADLINE", default=120.0)
"""Seconds that a question to a provider which names no `deadline_seconds` may take."""
MARKETDATA_UNPACKED_BYTES = env.int("MARKETDATA_UNPACKED_BYTES", default=4 * 1024**3)
"""Bytes that a packed file may hold when it is imported."""
MARKETDATA_UNPACKED_RATIO = env.int("MARKETDATA_UNPACKED_RATIO", default=200)
"""Times its own size that a packed file may hold."""
REFILL_ATTEMPTS = env.int("REFILL_ATTEMPTS", default=5)
"""Times that a day's absent minutes are asked for."""
REFILL_BACKOFF = env.float("REFILL_BACKOFF", default=60.0)
"""Seconds between the first two; twice as many after each."""

KEEP_STREAMS_DAYS = env.float("KEEP_STREAMS_DAYS", default=1.0)
"""Days that an ended session's frames stay in Redis; readers get the frames of others re-derived."""
KEEP_EVENTS_DAYS = env.float("KEEP_EVENTS_DAYS", default=30.0)
"""Days that an ended session's events stay, but for those that say what became of it."""
KEEP_VERSIONS_DAYS = env.float("KEEP_VERSIONS_DAYS", default=30.0)
"""Days that a superseded version of a day stays which no session has pinned."""

LEASE_TTL = env.float("LEASE_TTL", default=10.0)
"""Seconds after which a silent worker's session is another worker's."""
LOCKSTEP_TTL = env.float("LOCKSTEP_TTL", default=30.0)
"""Seconds after which a replay no longer waits for a silent lockstep reader."""
LOADED_TIMEOUT = env.float("LOADED_TIMEOUT", default=30.0)
"""Seconds that a start waits for the worker's acknowledgement before it is undone."""
STREAM_MAX_BYTES = env.int("STREAM_MAX_BYTES", default=256 * 1024 * 1024)
"""Bytes of frames that a session's Redis Stream keeps; the oldest go first, and readers get them re-derived."""
SESSION_SYMBOLS = env.int("SESSION_SYMBOLS", default=5000)
"""Symbols that a session may have; a start of more is refused before anything is written."""
REPLAY_SLOTS = env.int("REPLAY_SLOTS", default=200)
"""Sessions that one replay worker plays at once."""

ALPACA_REQUESTS_PER_MINUTE = env.int("ALPACA_REQUESTS_PER_MINUTE", default=6000)
"""REST requests that a broker key may make a minute of wall time; a replay at speed 60 lives an hour in it."""
ALPACA_CONNECTIONS_PER_KEY = env.int("ALPACA_CONNECTIONS_PER_KEY", default=1)
"""Sockets that a broker key may hold open at once in a web process; the live feed's usual limit."""
ALPACA_SYMBOL_LIMIT = env.int("ALPACA_SYMBOL_LIMIT", default=0)
"""Symbols that a socket may subscribe to in one channel; 0 is any number."""
ALPACA_CORS_ORIGINS = env.list("ALPACA_CORS_ORIGINS", default=[])
"""Origins of pages that may ask the gateway from a browser, e.g. http://localhost:5173; * is any."""
