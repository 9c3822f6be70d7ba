"""The bytes of the fact chain. ``specs/2-facts-chain.md`` says the same for other languages."""

from __future__ import annotations

from hashlib import sha256

GENESIS = bytes(32)
"""What stands in for the hash before the first fact."""


def link(previous: bytes, *, seq: int, at_us: int, type_name: str, actor: str, body: bytes) -> bytes:
    """The hash of a fact: SHA-256 over the hash before it and five lines, of which the last is the body.

    No field can run into another: numbers, type and body (JSON without spaces) hold no line feed, so that the first
    three and the last line feed are always the separators, whatever the actor's name holds.
    """
    return sha256(previous + f"{seq}\n{at_us}\n{type_name}\n{actor}\n".encode() + body).digest()
