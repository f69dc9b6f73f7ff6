"""Tokens of Callback steps: a token authorizes an answer, so none is stored or logged.

A token is derived from a secret of the deployment and a nonce.  Its ticket is stored: the nonce and the token's hash.
With the secret, the token can be derived again, to repeat a message or to withdraw it.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import string

LETTERS = string.ascii_letters + string.digits
TOKEN = 10  # letters and digits, exactly, as the API requires


def handle_of(token: str) -> str:
    """The name under which the answer to a token is stored."""
    return hashlib.sha256(token.encode()).hexdigest()


def new_ticket(secret: bytes) -> str:
    """The ticket of a new token."""
    once = secrets.token_hex(8)
    return f"{once}-{handle_of(_token(secret, once))}"


def handle(ticket: str) -> str:
    """The same as :func:`handle_of` of the ticket's token."""
    return ticket.rpartition("-")[2]


def token_of(secret: bytes, ticket: str) -> str | None:
    """The token of a ticket; ``None`` if it was made with another secret."""
    once, _, kept = ticket.rpartition("-")
    token = _token(secret, once)
    return token if hmac.compare_digest(handle_of(token), kept) else None


def _token(secret: bytes, once: str) -> str:
    number = int.from_bytes(hmac.new(secret, b"callback token " + once.encode(), hashlib.sha512).digest(), "big")
    letters = []
    for _ in range(TOKEN):
        number, letter = divmod(number, len(LETTERS))
        letters.append(LETTERS[letter])
    return "".join(letters)
