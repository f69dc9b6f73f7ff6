"""Secrets out of requests and texts, before anything is stored, hashed or shown.

A secret is found by the name it stands under (``DB_PASSWORD``, ``hf_token``, ``--api-key``), or by the look of the
value (AWS keys, private keys, tokens of well-known services, passwords in addresses).  What was found once is also
taken out of every other text of the same step, failure reasons included; so are the values of a run's parameters with
such names, wherever the run puts them.

No hash of a secret is kept, keyed or not: passwords are short, a stored hash would be a way to try them out, and a key
stored beside it would be none.  So two runs cannot be compared in their secrets, and a rotated token is no reason to
run a step again: cache keys are built from masked requests.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

MASK = "***"
SHORTEST = 6  # a shorter secret is not searched for in other texts: it would blot out words

_JOINED = ("password", "passwd", "passphrase", "secret", "credential", "apikey", "accesskey", "privatekey", "secretkey")
_WORDS = frozenset({"pwd", "auth", "authorization", "pat", "passcode"})
# "pass" is a password where it ends a name (DB_PASS), and not where passes are counted or told apart.
_PASSES = frozenset(
    [
        "first",
        "second",
        "third",
        "last",
        "next",
        "single",
        "multi",
        "one",
        "two",
        "per",
        "by",
        "num",
        "n",
        "max",
        "min",
        "forward",
        "backward",
        "low",
        "high",
        "band",
        "all",
    ]
)
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
    | (?<=hooks\.slack\.com/)(?:services|workflows|triggers)/[^\s"'<>]+
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
_AUTHORIZATION = re.compile(r"""(?i)\b(?P<name>authorization["']?\s*[=:]\s*["']?)(?P<value>[^"'\r\n]+)""")
_SCHEME = re.compile(r"(?i)(?:basic|bearer|digest|token|apikey|negotiate)\s+(\S+)")
_FLAG = re.compile(
    r"""
    (?<!\S)(?P<name>--?[A-Za-z][A-Za-z0-9_-]{0,80})
    (?P<sign>[ \t]+)
    (?P<value>"[^"]*"|'[^']*'|(?!--[A-Za-z]|-[A-Za-z]\b)[^\s,;&|"']+)
    """,
    re.VERBOSE,
)
_USER = re.compile(r"""(\bcurl\b[^\n|;]{0,200}?\s(?:-u|--user|-U|--proxy-user)[\s=]*["']?[^\s:"'=]+:)([^\s"']+)""")
_USER_FLAGS = frozenset({"-u", "--user", "-U", "--proxy-user"})
_SECRET_KEY = re.compile(r"(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9])[A-Za-z0-9/+]{40}")
_NAME_MEMBERS = ("Name", "Key", "name", "key", "ParameterName")
_VALUE_MEMBERS = ("Value", "value", "DefaultValue", "ParameterValue")


def is_secret_name(name: str) -> bool:
    """Whether a value under ``name`` is to be hidden: ``DB_PASSWORD``, ``apiKey``, ``db-pass``; not ``max_tokens``."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    words = [word for word in re.split(r"[^a-z0-9]+", spaced.lower()) if word]
    joined = "".join(words)
    if joined in _HARMLESS:
        return False
    return (
        any(part in joined for part in _JOINED)
        or any(word in _WORDS for word in words)
        or any(word.endswith("token") for word in words)
        or (words[-1:] == ["pass"] and _PASSES.isdisjoint(words))
    )


def mask(value: Any, known: set[str] | None = None) -> Any:
    """``value`` with every secret replaced by ``***``.

    ``known`` is added to: give the same set for everything that belongs together, requests before texts.
    """
    found = known if known is not None else set()
    return without(_by_name(value, found), found)


def secrets_in(value: Any) -> list[str]:
    """The secrets that :func:`mask` would take out of ``value``, but for the shortest."""
    found: set[str] = set()
    _by_name(value, found)
    return sorted(found)


def without(value: Any, secrets: Iterable[str]) -> Any:
    """``value`` with ``secrets`` replaced by ``***``, wherever in it they stand; nothing is searched for by name."""
    found = {secret for secret in secrets if secret}
    return _known_out(value, sorted(found, key=len, reverse=True)) if found else value


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
            _note(text, found)
            if scheme := _SCHEME.fullmatch(text):
                _note(scheme[1], found)  # what reports it may leave the word before it out
            return MASK


def _note(secret: str, found: set[str]) -> None:
    """Keep ``secret`` to be searched for, also as it stands in JSON inside a text."""
    if len(secret) >= SHORTEST and secret != MASK:
        found |= {secret, json.dumps(secret, ensure_ascii=False)[1:-1]}


def _arguments(items: list[Any] | tuple[Any, ...], found: set[str]) -> list[Any]:
    """A list, where ``--password x`` are two items, and so are the ``-u user:x`` of curl."""
    masked: list[Any] = []
    flag = ""
    is_curl = any(isinstance(item, str) and item.rpartition("/")[2] == "curl" for item in items)
    for item in items:
        if flag and isinstance(item, str) and not _is_flag(item) and _hides(flag.lstrip("-"), item):
            masked.append(_hide(item, found))
            flag = ""
            continue
        if is_curl and flag in _USER_FLAGS and isinstance(item, str) and ":" in item:
            user, _, password = item.partition(":")
            masked.append(f"{user}:{_hide(password, found)}")
        else:
            masked.append(_by_name(item, found))
        flag = item if isinstance(item, str) and item.startswith("-") and "=" not in item else ""
    return masked


def _is_flag(item: str) -> bool:
    """Whether ``item`` is an option of its own (``--depth``, ``-v``) and no value, which may begin with a ``-`` too."""
    return re.fullmatch(r"--[A-Za-z][A-Za-z0-9_-]*(?:=.*)?|-[A-Za-z]", item, re.DOTALL) is not None


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

    text = _AUTHORIZATION.sub(lambda match: match["name"] + str(_hide(match["value"], found)), text)
    text = _VALUES.sub(lambda match: str(_hide(match[0], found)), text)
    text = _USER.sub(lambda match: match[1] + str(_hide(match[2], found)), text)
    return _ASSIGNMENT.sub(assignment, _FLAG.sub(assignment, text))


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
        case int() | float() if str(value) in secrets:
            return MASK
        case _:
            return value
