"""Secrets out of requests and texts, before anything is stored, hashed or shown.

A secret is found by the name it stands under (``DB_PASSWORD``, ``hf_token``, ``--api-key``), or by the look of the
value (AWS keys, private keys, tokens of well-known services, passwords in addresses).  What was found once is also
taken out of every other text of the same step, failure reasons included.

No hash of a secret is kept, keyed or not: passwords are short, a stored hash would be a way to try them out, and a key
stored beside it would be none.  So two runs cannot be compared in their secrets, and a rotated token is no reason to
run a step again: cache keys are built from masked requests.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

MASK = "***"
SHORTEST = 6  # a shorter secret is not searched for in other texts: it would blot out words

_JOINED = ("password", "passwd", "passphrase", "secret", "credential", "apikey", "accesskey", "privatekey", "secretkey")
_WORDS = frozenset({"pwd", "auth", "authorization", "pat", "passcode"})
_COUNTED_TOKENS = re.compile(r"(?i)(?:max|min|num|pad|eos|bos|unk|sep|cls|mask)\w*token|token\w*(?:id|count|len)")
# Members of AWS requests that are named like secrets and are none.
_HARMLESS = frozenset({"clientrequesttoken", "clienttoken", "nexttoken", "tokenizer", "authtype", "authmode"})
_VALUES = re.compile(
    r"""
    \b(?:AKIA|ASIA)[0-9A-Z]{16}\b
    | -----BEGIN[ A-Z]*PRIVATE\ KEY-----.*?(?:-----END[ A-Z]*PRIVATE\ KEY-----|\Z)
    | \bgh[pousr]_[A-Za-z0-9]{20,}
    | \bgithub_pat_[A-Za-z0-9_]{20,}
    | \bxox[abposr]-[A-Za-z0-9-]{10,}
    | \bhf_[A-Za-z0-9]{20,}
    | \bsk-(?:proj-|ant-[a-z0-9]{1,8}-)?[A-Za-z0-9_]{20,}
    | (?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,2000}\.eyJ[A-Za-z0-9_-]{8,8000}\.[A-Za-z0-9_-]*
    | (?<=[Bb]earer\ )[^\s"',;]+
    | (?<=X-Amz-Signature=)[0-9a-fA-F]+
    | (?<=X-Amz-Security-Token=)[^&\s"']+
    | (?<=://)[^\s/:@"']*:[^\s/@"']+(?=@)
    """,
    re.VERBOSE | re.DOTALL,
)
_ASSIGNMENT = re.compile(
    r"""
    (?<![A-Za-z0-9_.-])(?P<name>-{0,2}[A-Za-z][A-Za-z0-9_.-]{0,80})  # bounded: time has to be linear in the text
    (?P<sign>\s*[=:]\s*)
    (?P<value>"[^"]*"|'[^']*'|[^\s,;&"']+)
    """,
    re.VERBOSE,
)
_SECRET_KEY = re.compile(r"(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9])[A-Za-z0-9/+]{40}")
_NAME_MEMBERS = ("Name", "Key", "name", "key", "ParameterName")
_VALUE_MEMBERS = ("Value", "value", "DefaultValue", "ParameterValue")


def is_secret_name(name: str) -> bool:
    """Whether a value under ``name`` is to be hidden: ``DB_PASSWORD``, ``apiKey``, ``hf-token``; not ``max_tokens``."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    words = re.split(r"[^a-z0-9]+", spaced.lower())
    joined = "".join(words)
    if joined in _HARMLESS:
        return False
    return (
        any(part in joined for part in _JOINED)
        or any(word in _WORDS for word in words)
        or any(word.endswith("token") for word in words)
    )


def mask(value: Any, known: set[str] | None = None) -> Any:
    """``value`` with every secret replaced by ``***``.

    ``known`` is added to: give the same set for everything that belongs together, requests before texts.
    """
    found = known if known is not None else set()
    masked = _by_name(value, found)
    return _known_out(masked, sorted(found, key=len, reverse=True)) if found else masked


def secrets_in(value: Any) -> list[str]:
    """The secrets that :func:`mask` would take out of ``value``, but for the shortest."""
    found: set[str] = set()
    _by_name(value, found)
    return sorted(found)


def _by_name(value: Any, found: set[str]) -> Any:
    match value:
        case Mapping():
            named = next((value[key] for key in _NAME_MEMBERS if isinstance(value.get(key), str)), "")
            hidden = _VALUE_MEMBERS if is_secret_name(named) else ()
            return {
                key: _hide(item, found) if key in hidden or _hides(str(key), item) else _by_name(item, found)
                for key, item in value.items()
            }
        case list() | tuple():
            return _arguments(value, found)
        case str():
            return _text(value, found)
        case _:
            return value


def _hides(name: str, value: Any) -> bool:
    """Whether ``value`` under ``name`` is a secret, and not a setting, an address of one, or a number of tokens."""
    if not is_secret_name(name) or value in (None, "", MASK) or isinstance(value, bool):
        return False
    text = str(value)
    if text.startswith("arn:") or name.lower().endswith(("arn", "_name")):
        return False
    return not (text.lstrip("-").isdigit() and _COUNTED_TOKENS.search(name))


def _hide(value: Any, found: set[str]) -> Any:
    match value:
        case Mapping():
            return {key: _hide(item, found) for key, item in value.items()}
        case list() | tuple():
            return [_hide(item, found) for item in value]
        case None | bool():
            return value
        case _:
            text = str(value).strip("\"'")
            if len(text) >= SHORTEST and text != MASK:
                found.add(text)
            return MASK


def _arguments(items: list[Any] | tuple[Any, ...], found: set[str]) -> list[Any]:
    """A list, where ``--password x`` are two items."""
    masked: list[Any] = []
    flag = ""
    for item in items:
        if flag and isinstance(item, str) and not item.startswith("-") and _hides(flag, item):
            masked.append(_hide(item, found))
        else:
            masked.append(_by_name(item, found))
        flag = item.lstrip("-") if isinstance(item, str) and item.startswith("-") and "=" not in item else ""
    return masked


def _text(text: str, found: set[str]) -> str:
    if text[:1] in "{[" and text[-1:] in "}]":
        try:
            inside = json.loads(text)
        except ValueError:
            inside = None
        if isinstance(inside, dict | list):
            masked = _by_name(inside, found)
            return text if masked == inside else json.dumps(masked, ensure_ascii=False)
    if _SECRET_KEY.fullmatch(text):
        return str(_hide(text, found))
    if text.startswith("arn:") and " " not in text:
        return text  # the address of a secret is none
    if ":" not in text and "=" not in text and "_" not in text and "-" not in text and len(text) < 16:
        return text  # nothing of what is searched for fits in here

    def assignment(match: re.Match[str]) -> str:
        if not _hides(match["name"], match["value"].strip("\"'")):
            return match[0]
        return match["name"] + match["sign"] + str(_hide(match["value"], found))

    return _ASSIGNMENT.sub(assignment, _VALUES.sub(lambda match: str(_hide(match[0], found)), text))


def _known_out(value: Any, secrets: list[str]) -> Any:
    match value:
        case Mapping():
            return {key: _known_out(item, secrets) for key, item in value.items()}
        case list():
            return [_known_out(item, secrets) for item in value]
        case str():
            for secret in secrets:
                value = value.replace(secret, MASK)
            return value
        case _:
            return value
