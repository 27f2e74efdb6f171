"""The API of sessions: views, strict serializers, permissions, errors in one form."""
