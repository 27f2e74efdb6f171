"""The environment of the deployment page, but for the servers' addresses."""

PRODUCTION = {
    "PRODUCTION": "1",
    "SECRET_KEY": "a key of fifty characters that is used for nothing at all",
    "ALLOWED_HOSTS": "tape.example.org",
    "CSRF_TRUSTED_ORIGINS": "https://tape.example.org",
    "TAPEDECK_URL": "https://tape.example.org",
}
