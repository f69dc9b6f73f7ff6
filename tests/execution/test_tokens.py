"""A token is known from its ticket to whoever has the secret, and to nobody else."""

from __future__ import annotations

import re

from airflow_sagemaker_mlops.execution import tokens


def test_a_ticket_gives_its_token_to_whoever_has_the_secret() -> None:
    ticket = tokens.new_ticket(b"secret")
    token = tokens.token_of(b"secret", ticket)
    assert token is not None
    assert re.fullmatch("[a-zA-Z0-9]{10}", token)
    assert token not in ticket
    assert tokens.handle(ticket) == tokens.handle_of(token)
    assert tokens.token_of(b"another", ticket) is None
    assert tokens.token_of(b"secret", "AbCdEfGhIj") is None


def test_tokens_differ_and_use_all_letters() -> None:
    made = {str(tokens.token_of(b"secret", tokens.new_ticket(b"secret"))) for _ in range(500)}
    assert len(made) == 500
    assert set("".join(made)) == set(tokens.LETTERS)
