"""Only a holder of the secret can derive a token from its ticket."""

from __future__ import annotations

import re

from airflow_sagemaker_mlops.execution import callback_tokens


def test_a_ticket_gives_its_token_to_whoever_has_the_secret() -> None:
    ticket = callback_tokens.new_ticket(b"secret")
    token = callback_tokens.token_of(b"secret", ticket)
    assert token is not None
    assert re.fullmatch("[a-zA-Z0-9]{10}", token)
    assert token not in ticket
    assert callback_tokens.handle(ticket) == callback_tokens.handle_of(token)
    assert callback_tokens.token_of(b"another", ticket) is None
    assert callback_tokens.token_of(b"secret", "AbCdEfGhIj") is None


def test_tokens_differ_and_use_all_letters() -> None:
    made = {str(callback_tokens.token_of(b"secret", callback_tokens.new_ticket(b"secret"))) for _ in range(500)}
    assert len(made) == 500
    assert set("".join(made)) == set(callback_tokens.LETTERS)
