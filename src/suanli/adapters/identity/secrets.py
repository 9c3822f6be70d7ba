"""Secrets from the operating system's own source of randomness."""

from __future__ import annotations

import secrets

_PREFIX = "suanli_"


class SystemSecrets:
    """Tokens carry a prefix, so that scanners of leaked credentials can tell what they found."""

    def secret(self) -> str:
        return _PREFIX + secrets.token_urlsafe(32)

    def identifier(self) -> str:
        return secrets.token_hex(6)
