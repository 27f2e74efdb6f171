"""Passwords that cost no time: a million rounds of hashing are for those who guess, and took a fifth of the suite."""

from django.contrib.auth.hashers import PBKDF2PasswordHasher


class OneRound(PBKDF2PasswordHasher):
    """What servers with the product's own hasher check, too."""

    iterations = 1
