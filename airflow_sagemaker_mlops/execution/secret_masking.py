"""Masks secrets in requests and texts, before anything is stored, hashed or shown.

A secret is recognized by its name (``DB_PASSWORD``, ``hf_token``, ``--api-key``) or by its format (AWS keys, private
keys, tokens of well-known services, passwords in URLs).  A secret that was found once is also masked in every other
text of the same step, including failure reasons; so are the values of a run's parameters with such names, wherever the
run uses them.

No hash of a secret is stored, keyed or not: passwords are short, so a stored hash would allow guessing them, and a key
stored next to it would not help.  So secrets of two runs cannot be compared, and a rotated token does not make a step
run again: cache keys are built from masked requests.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from ..definition.secret_names import holds_secret, is_secret_name, may_hold_secret
from .secret_commands import COMMAND, PROGRAMS, WORD, secrets_of_command
from .secret_values import (
    ANNOTATION,
    BARE,
    ELEMENT,
    HEADER,
    NETRC,
    NOTHING,
    QUERY,
    QUERY_NAMES,
    SAID,
    SAID_OF_SECRETS,
    SCHEME,
    SECRET_ACCESS_KEY,
    VALUES,
)

MASK = "***"
SHORTEST = 6  # shorter secrets are not searched for in other texts: they would mask ordinary words

_NAME_MEMBERS = ("Name", "Key", "name", "key", "ParameterName")
_VALUE_MEMBERS = ("Value", "value", "DefaultValue", "ParameterValue")
# A name and the text after it, in any format: env files, Python, JSON in JSON.  Bounded, to keep the time linear.
_ASSIGNED = re.compile(
    r"""(?<![A-Za-z0-9_.-])(?P<name>-{0,2}_?[A-Za-z][A-Za-z0-9_.-]{0,80})(?P<closed>\\*["']?\]?)\s*(?:=>|[=:])\s*"""
)
_FLAG = re.compile(r"(?<!\S)(?P<name>--?[A-Za-z][A-Za-z0-9_-]{0,80})[ \t]+(?!--[A-Za-z]|-[A-Za-z]\b)")
_VALUE = re.compile(r"""(?P<quote>\\*["'])(?P<quoted>.*?)(?P=quote)|[^\s,;&"'\\]+""", re.DOTALL)
_MAX_QUOTED = 4_000
_MAX_ARGUMENTS = 200


def mask(value: object, known: set[str] | None = None) -> Any:
    """``value`` with every secret replaced by ``***``.

    Found secrets are added to ``known``: pass the same set for everything that belongs together, requests first.
    """
    found = known if known is not None else set()
    return without(_by_name(value, found), found)


def secrets_in(value: object) -> list[str]:
    """The secrets that :func:`mask` would mask in ``value``, except the shortest."""
    found: set[str] = set()
    _by_name(value, found)
    return sorted(found)


def without(value: object, secrets: Iterable[str]) -> Any:
    """``value`` with ``secrets`` replaced by ``***``, anywhere in it; does not search by name."""
    found = {secret for secret in secrets if secret}
    return _known_out(value, sorted(found, key=len, reverse=True)) if found else value


def _by_name(value: object, found: set[str]) -> Any:
    match value:
        case Mapping():
            named = next((value[key] for key in _NAME_MEMBERS if isinstance(value.get(key), str)), "")
            hidden = _VALUE_MEMBERS if is_secret_name(named) else ()
            return {
                key: _masked(item, found) if key in hidden or _is_secret(str(key), item) else _by_name(item, found)
                for key, item in value.items()
            }
        case list() | tuple():
            return _arguments(value, found)
        case str():
            return _text(value, found)
        case _:
            return value


def _masked(value: object, found: set[str]) -> Any:
    match value:
        case Mapping():
            return {key: _masked(item, found) for key, item in value.items()}
        case list() | tuple():
            return [_masked(item, found) for item in value]
        case None | bool():
            return value
        case _:
            text = str(value).strip("\"'")
            _add(text, found)
            if scheme := SCHEME.fullmatch(text):
                _add(scheme[1], found)  # messages may quote it without the word before it
            return MASK


def _is_secret(name: str, value: object) -> bool:
    return value != MASK and holds_secret(name, value)


def _add(secret: str, found: set[str]) -> None:
    """Add ``secret`` to those to search for, also in its escaped forms in JSON and URLs."""
    if len(secret) >= SHORTEST and secret != MASK:
        found |= {secret, json.dumps(secret, ensure_ascii=False)[1:-1], quote(secret, safe="")}


def _arguments(items: list[Any] | tuple[Any, ...], found: set[str]) -> list[Any]:
    """Mask a list in which ``--password x``, or curl's ``-u user:x``, are two items."""
    masked: list[Any] = []
    flag = ""
    known = _secrets_of_commands(items)
    for index, item in enumerate(items):
        if not isinstance(item, str):
            masked.append(_by_name(item, found))
        elif index in known:
            masked.append(item[: known[index]] + str(_masked(item[known[index] :], found)))
        elif flag and not _is_flag(item) and _is_secret(flag.lstrip("-"), item):
            masked.append(_masked(item, found))
            flag = ""
            continue
        else:
            masked.append(_by_name(item, found))
        flag = item if isinstance(item, str) and item.startswith("-") and "=" not in item else ""
    return masked


def _secrets_of_commands(items: list[Any] | tuple[Any, ...]) -> dict[int, int]:
    """Positions of secrets in the arguments of the programs in ``items``: index -> first character."""
    words = [item if isinstance(item, str) else "" for item in items]
    found: dict[int, int] = {}
    for at, word in enumerate(words):
        if (program := word.rpartition("/")[2]) in PROGRAMS:
            for index, start in secrets_of_command(program, words[at + 1 : at + 1 + _MAX_ARGUMENTS]).items():
                found.setdefault(at + 1 + index, start)
    return found


def _is_flag(item: str) -> bool:
    """Whether ``item`` is an option (``--depth``, ``-v``) rather than a value, which may also begin with a ``-``."""
    return re.fullmatch(r"--[A-Za-z][A-Za-z0-9_-]*(?:=.*)?|-[A-Za-z]", item, re.DOTALL) is not None


def _text(text: str, found: set[str]) -> str:
    if text[:1] in "{[" and text[-1:] in "}]":
        try:  # lenient; text that is nested too deeply is masked as plain text
            inside = json.loads(text)
            if isinstance(inside, dict | list):
                masked = _by_name(inside, found)
                return text if masked == inside else json.dumps(masked, ensure_ascii=False)
        except (ValueError, RecursionError):
            pass
    if SECRET_ACCESS_KEY.fullmatch(text):
        return str(_masked(text, found))
    if text.startswith("arn:") and " " not in text:
        return text  # the address of a secret is not a secret
    if len(text) < 16 and not any(sign in text for sign in ":=_- "):
        return text  # too short to contain a secret

    def hidden(match: re.Match[str]) -> str:
        return match["before"] + str(_masked(match["value"], found))

    def named(match: re.Match[str]) -> str:
        is_secret = match["name"].lower() in QUERY_NAMES or _is_secret(match["name"], match["value"])
        return hidden(match) if is_secret and match["value"] != MASK else match[0]

    def element(match: re.Match[str]) -> str:
        return hidden(match) if _is_secret(match["name"], match["value"]) else match[0]

    def replaced(match: re.Match[str]) -> str:
        value = match["value"].rstrip(".!?:")
        if MASK in value or value.lower() in SAID_OF_SECRETS or value.startswith("arn:"):
            return match[0]
        if match["sign"] and ANNOTATION.match(text, match.end("name")):
            return match[0]
        if match["bare"] and not (match["name"].lower().startswith("p") and BARE.fullmatch(value)):
            return match[0]
        return match["before"] + str(_masked(value, found)) + match["value"][len(value) :]

    text = HEADER.sub(lambda match: match["name"] + str(_masked(match["value"], found)), text)
    text = VALUES.sub(lambda match: str(_masked(match[0], found)), text)
    text = COMMAND.sub(lambda match: match["program"] + _command(match["program"], match["rest"], found), text)
    text = NETRC.sub(hidden, text)
    text = ELEMENT.sub(element, QUERY.sub(named, text))
    text = _values_of(_ASSIGNED, _values_of(_FLAG, text, found), found)
    return SAID.sub(replaced, text)


def _command(program: str, rest: str, found: set[str]) -> str:
    """The arguments of ``program`` on a command line, ``rest``, masked."""
    matches = list(WORD.finditer(rest))
    quoted = [match["word"][:1] in ("'", '"') and match["word"][-1:] == match["word"][:1] for match in matches]
    words = [match["word"][1:-1] if quotes else match["word"] for match, quotes in zip(matches, quoted, strict=True)]
    pieces, end = [], 0
    for index, start in sorted(secrets_of_command(program, words).items()):
        if MASK not in words[index]:
            pieces += [rest[end : matches[index].start("word")], words[index][:start]]
            pieces.append(str(_masked(words[index][start:], found)))
            end = matches[index].end()
    return "".join([*pieces, rest[end:]])


def _is_prose(named: re.Match[str], value: re.Match[str]) -> bool:
    """Whether a sentence quotes a name, as in ``Step "GetToken": ClientError``.  In data, the value is quoted, too."""
    closed = named.groupdict().get("closed")
    return bool(closed and not value["quote"] and not value[0].isdigit())


def _values_of(named: re.Pattern[str], text: str, found: set[str]) -> str:
    """``text`` with the values after secret names masked; ``named`` finds the names."""
    pieces, end = [], 0
    for match in named.finditer(text):
        if match.start() < end or not may_hold_secret(match["name"]):
            continue
        begin = match.end()
        if not match.groupdict().get("closed") and (typed := ANNOTATION.match(text, match.end("name"))):
            if not typed["next"].startswith("="):
                continue
            begin = typed.end()
        value = _VALUE.match(text, begin, begin + _MAX_QUOTED)
        if (
            value is None
            or NOTHING.fullmatch(value[0])
            or _is_prose(match, value)
            or (match[0].endswith(": ") and not value["quote"] and value[0].rstrip(".!?").lower() in SAID_OF_SECRETS)
            or not _is_secret(match["name"].lstrip("-"), value["quoted"] or value[0])
        ):
            continue
        shown = value["quote"] or ""
        if value[0] in (MASK, shown + MASK + shown):
            continue
        masked = str(_masked(value["quoted"] if shown else value[0], found))
        pieces += [text[end:begin], masked]
        end = value.end()
    return "".join([*pieces, text[end:]])


def _known_out(value: object, secrets: list[str]) -> Any:
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
