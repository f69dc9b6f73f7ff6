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
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from ..document.secret_names import holds_secret, is_secret_name, may_hold_secret
from .secret_values import (
    COMMAND,
    ELEMENT,
    HEADER,
    JOINED_ONLY,
    NEEDS_LOGIN,
    NETRC,
    PASSWORD_OPTIONS,
    QUERY,
    QUERY_NAMES,
    SAID,
    SCHEME,
    SECRET_ACCESS_KEY,
    USER_OPTIONS,
    VALUES,
    WORD,
)

MASK = "***"
SHORTEST = 6  # a shorter secret is not searched for in other texts: it would blot out words

_PROGRAMS = frozenset({*PASSWORD_OPTIONS, *USER_OPTIONS})
_NAME_MEMBERS = ("Name", "Key", "name", "key", "ParameterName")
_VALUE_MEMBERS = ("Value", "value", "DefaultValue", "ParameterValue")
# A name and what follows it, in text of any kind: env files, Python, JSON in JSON.  Bounded: time has to be linear.
_ASSIGNED = re.compile(
    r"""(?<![A-Za-z0-9_.-])(?P<name>-{0,2}_?[A-Za-z][A-Za-z0-9_.-]{0,80})(?P<closed>\\*["']?\]?)\s*(?:=>|[=:])\s*"""
)
_FLAG = re.compile(r"(?<!\S)(?P<name>--?[A-Za-z][A-Za-z0-9_-]{0,80})[ \t]+(?!--[A-Za-z]|-[A-Za-z]\b)")
_VALUE = re.compile(r"""(?P<quote>\\*["'])(?P<quoted>.*?)(?P=quote)|[^\s,;&"'\\]+""", re.DOTALL)
_MOST_QUOTED = 4_000


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
                key: _hide(item, found) if key in hidden or _hidden(str(key), item) else _by_name(item, found)
                for key, item in value.items()
            }
        case list() | tuple():
            return _arguments(value, found)
        case str():
            return _text(value, found)
        case _:
            return value


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
            if scheme := SCHEME.fullmatch(text):
                _note(scheme[1], found)  # what reports it may leave the word before it out
            return MASK


def _hidden(name: str, value: Any) -> bool:
    return value != MASK and holds_secret(name, value)


def _note(secret: str, found: set[str]) -> None:
    """Keep ``secret`` to be searched for, also as it stands in JSON inside a text and in a URL."""
    if len(secret) >= SHORTEST and secret != MASK:
        found |= {secret, json.dumps(secret, ensure_ascii=False)[1:-1], quote(secret, safe="")}


def _arguments(items: list[Any] | tuple[Any, ...], found: set[str]) -> list[Any]:
    """A list, where ``--password x`` are two items, and so are the ``-u user:x`` of curl."""
    masked: list[Any] = []
    flag = ""
    words = [item for item in items if isinstance(item, str)]
    programs = [name for word in words if (name := word.rpartition("/")[2]) in _PROGRAMS]
    for item in items:
        if not isinstance(item, str):
            masked.append(_by_name(item, found))
            flag = ""
            continue
        known = next((m for name in programs if (m := _argument(name, words, flag, item, found)) is not None), None)
        if known is not None:
            masked.append(known)
        elif flag and not _is_flag(item) and _hidden(flag.lstrip("-"), item):
            masked.append(_hide(item, found))
            flag = ""
            continue
        else:
            masked.append(_by_name(item, found))
        flag = item if item.startswith("-") and "=" not in item else ""
    return masked


def _argument(program: str, words: Sequence[str], flag: str, item: str, found: set[str]) -> str | None:
    """``item`` of a command line of ``program`` masked; ``None`` where it carries no password of that program's."""
    option = PASSWORD_OPTIONS.get(program, "")
    if option and (program not in NEEDS_LOGIN or "login" in words):
        if flag == option and program not in JOINED_ONLY:
            return str(_hide(item, found))
        if item.startswith(option) and len(item) > len(option):
            return option + str(_hide(item.removeprefix(option).removeprefix("="), found))
    users, sign = USER_OPTIONS.get(program, (frozenset(), ""))
    name, joined, value = item.partition("=")
    if sign and flag in users and sign in item:
        user, _, password = item.partition(sign)
        return user + sign + str(_hide(password, found))
    if sign and joined and name in users and sign in value:
        user, _, password = value.partition(sign)
        return f"{name}={user}{sign}{_hide(password, found)}"
    return None


def _is_flag(item: str) -> bool:
    """Whether ``item`` is an option of its own (``--depth``, ``-v``) and no value, which may begin with a ``-`` too."""
    return re.fullmatch(r"--[A-Za-z][A-Za-z0-9_-]*(?:=.*)?|-[A-Za-z]", item, re.DOTALL) is not None


def _text(text: str, found: set[str]) -> str:
    if text[:1] in "{[" and text[-1:] in "}]":
        try:  # also what a strict reader refuses; what is nested too deeply is masked as plain text
            inside = json.loads(text)
            if isinstance(inside, dict | list):
                masked = _by_name(inside, found)
                return text if masked == inside else json.dumps(masked, ensure_ascii=False)
        except (ValueError, RecursionError):
            pass
    if SECRET_ACCESS_KEY.fullmatch(text):
        return str(_hide(text, found))
    if text.startswith("arn:") and " " not in text:
        return text  # the address of a secret is none
    if ":" not in text and "=" not in text and "_" not in text and "-" not in text and len(text) < 16:
        return text  # nothing of what is searched for fits in here

    def hidden(match: re.Match[str]) -> str:
        return match["before"] + str(_hide(match["value"], found))

    def named(match: re.Match[str]) -> str:
        is_secret = match["name"].lower() in QUERY_NAMES or _hidden(match["name"], match["value"])
        return hidden(match) if is_secret and match["value"] != MASK else match[0]

    def element(match: re.Match[str]) -> str:
        return hidden(match) if _hidden(match["name"], match["value"]) else match[0]

    text = HEADER.sub(lambda match: match["name"] + str(_hide(match["value"], found)), text)
    text = VALUES.sub(lambda match: str(_hide(match[0], found)), text)
    text = COMMAND.sub(lambda match: match["program"] + _command(match["program"], match["rest"], found), text)
    text = NETRC.sub(hidden, text)
    text = SAID.sub(hidden, ELEMENT.sub(element, QUERY.sub(named, text)))
    return _values_of(_ASSIGNED, _values_of(_FLAG, text, found), found)


def _command(program: str, rest: str, found: set[str]) -> str:
    """The arguments of ``program`` on a command line, ``rest``, masked."""
    words = [match["word"] for match in WORD.finditer(rest)]
    flag, pieces, end = "", [], 0
    for match in WORD.finditer(rest):
        word = match["word"]
        masked = _argument(program, words, flag, word.strip("\"'"), found)
        if masked is not None:
            pieces += [rest[end : match.start()], match["blank"], masked]
            end = match.end()
        flag = word if word.startswith("-") and "=" not in word else ""
    return "".join([*pieces, rest[end:]])


def _is_prose(named: re.Match[str], value: re.Match[str]) -> bool:
    """Whether a sentence quotes a name and goes on: ``Step "GetToken": ClientError``.  Data quotes its texts, too."""
    closed = named.groupdict().get("closed")
    return bool(closed and not value["quote"] and not value[0].isdigit())


def _values_of(named: re.Pattern[str], text: str, found: set[str]) -> str:
    """``text`` with the values masked that follow secret names, as ``named`` finds them."""
    pieces, end = [], 0
    for match in named.finditer(text):
        if match.start() < end or not may_hold_secret(match["name"]):
            continue
        value = _VALUE.match(text, match.end(), match.end() + _MOST_QUOTED)
        if (
            value is None
            or _is_prose(match, value)
            or not _hidden(match["name"].lstrip("-"), value["quoted"] or value[0])
        ):
            continue
        shown = value["quote"] or ""
        if value[0] in (MASK, shown + MASK + shown):
            continue
        masked = str(_hide(value["quoted"] if shown else value[0], found))
        pieces += [text[end : match.end()], masked]
        end = value.end()
    return "".join([*pieces, text[end:]])


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
