"""Definition -> plain JSON, from a file, text, dict, SDK object, or a document that contains a definition."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..problems import InvalidPipeline, Place, Problem, key_twice, place_text
from .strict_json import (
    MAX_BYTES,
    MAX_DEPTH,
    MAX_DIGITS,
    MAX_VALUES,
    NotJson,
    is_yaml,
    plain_number,
    read_json,
    too_deep,
    too_large,
    too_many,
)

MAX_WRAPPINGS = 5  # nested texts; a response of the AWS CLI saved as text has 3
LONGEST_FILE_NAME = 4096
_EMPTY = Problem("SM104", "$", "the document is empty.", "Write Version, Parameters and Steps.")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")  # the first bytes of a UTF-16 file
_TEMPLATE = re.compile(r"^Resources[ \t]*:", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Source:
    """A definition after reading.

    text       the text that was read, for positions; empty for dicts and SDK objects
    name       the user's name for it
    problems   problems of a readable text: repeated keys, of which the last counts, unknown YAML tags, and numbers in
               place of strings
    within     the place of the definition in ``text``: ``$`` unless it is embedded in another document
    index      index of the document in a YAML stream
    written    {place: text} for numbers in parameters whose text differs from how they print
    """

    document: Mapping[str, Any]
    text: str
    name: str
    problems: tuple[Problem, ...] = ()
    within: str = "$"
    index: int = 0
    written: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Read:
    """The values in a text."""

    documents: list[Any]
    problems: tuple[Problem, ...]
    written: bool


def read_source(source: object, base_dir: Path | None, name: str | None) -> Source:
    """Read ``source``.  Raises :class:`InvalidPipeline` (SM10x, SM16x) if it contains no document."""
    if isinstance(source, Mapping):
        _has_to_be_json(source, name or "definition")
        return _from_mapping(_Read([source], (), False), source, Source(source, "", name or "definition"), 0)
    return _from_text(*read_text(source, base_dir, name))


def read_text(source: object, base_dir: Path | None, name: str | None) -> tuple[str, str]:
    """The text of a definition that is not a dict, and its name."""
    shown = name or "definition"
    if hasattr(source, "definition"):
        return _bounded(str(source.definition()), name or type(source).__name__), name or type(source).__name__
    if isinstance(source, bytes):
        source = _decode(source, shown)
    if isinstance(source, str):
        source = source.removeprefix("\ufeff")
    if isinstance(source, str) and (
        "\n" in source or source.lstrip().startswith(("{", '"')) or len(source) > LONGEST_FILE_NAME
    ):
        return _bounded(source, shown), shown
    if source == "":
        raise InvalidPipeline(shown, [_EMPTY])
    if isinstance(source, str | os.PathLike):
        return _read_file(Path(source), base_dir, name)
    what = f"{'None' if source is None else f'a value of type {type(source).__name__}'} is not a definition."
    fix = "Give a file name, JSON text, a dict, or a pipeline object of the SageMaker SDK."
    raise InvalidPipeline(shown, [Problem("SM104", "$", what, fix)])


def _bounded(text: str, name: str) -> str:
    if len(text) > MAX_BYTES:
        raise InvalidPipeline(name, [too_large()])
    try:
        text.encode()
    except UnicodeEncodeError:
        problem = Problem("SM100", "$", "the text contains a lone surrogate, which UTF-8 cannot encode.")
        raise InvalidPipeline(name, [problem]) from None
    return text


def _read_file(path: Path, base_dir: Path | None, name: str | None) -> tuple[str, str]:
    shown = name or str(path)
    try:
        full = path if path.is_absolute() or base_dir is None else base_dir / path
        content = _content(full)
    except (OSError, ValueError) as error:  # ValueError: a NUL in a path
        reason = getattr(error, "strerror", None) or error
        what = f"the file cannot be read: {reason}."
        raise InvalidPipeline(shown, [Problem("SM103", "$", what, f"Looked for {full}.")]) from None
    if content is None:
        raise InvalidPipeline(shown, [too_large("the file")])
    return _decode(content, shown), shown


def _content(full: Path) -> bytes | None:
    """At most ``MAX_BYTES`` of a file; ``None`` if it is larger or endless."""
    try:
        with full.open("rb") as file:
            # Read in chunks: Python allocates the whole requested size, a pipe has no size, and a file may be growing.
            size = min(os.fstat(file.fileno()).st_size, MAX_BYTES)
            content = file.read(size + 1)
            if len(content) > size:
                content += file.read(MAX_BYTES + 1 - len(content))
    except (FileNotFoundError, NotADirectoryError):
        from .zip_archive import member

        found = member(full, MAX_BYTES + 1)
        if found is None:
            raise
        content = found
    return content if len(content) <= MAX_BYTES else None


def _decode(content: bytes, name: str) -> str:
    if len(content) > MAX_BYTES:
        raise InvalidPipeline(name, [too_large()])
    try:
        return content.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        what = f"the text is not UTF-8: byte {error.start} cannot be decoded."
        fix = "It looks like UTF-16, as PowerShell writes it. Save it as UTF-8." if content[:2] in _UTF16 else ""
        raise InvalidPipeline(name, [Problem("SM103", "$", what, fix)]) from None


def _from_text(text: str, name: str, depth: int = 0) -> Source:
    if not text.strip():
        raise InvalidPipeline(name, [_EMPTY])
    read = _read(text, name)
    index = 0
    if len(read.documents) > 1:
        from .wrappers import one_of

        index = one_of(read.documents, name)
    document: Any = read.documents[index] if read.documents else None
    if isinstance(document, str) and document.lstrip().startswith(("{", '"')) and depth < MAX_WRAPPINGS:
        return _from_text(document, f"{name} (text in quotation marks)", depth + 1)
    if not isinstance(document, Mapping):
        _refuse_terraform(text, name)
        what = "the document is not an object with Version, Parameters and Steps."
        raise InvalidPipeline(name, [Problem("SM104", "$", what, line=1, column=1), *read.problems])
    return _from_mapping(read, document, Source(document, text, name, read.problems, index=index), depth)


def _read(text: str, name: str) -> _Read:
    try:
        return _load_yaml(text, name) if is_yaml(name, text) else _load_json(text, name)
    except InvalidPipeline:
        _refuse_terraform(text, name)
        raise


def _refuse_terraform(text: str, name: str) -> None:
    """Terraform's language is neither JSON nor YAML, though some of it parses as one long YAML string."""
    from .wrappers import terraform

    found = terraform(text)
    if found is not None:
        raise InvalidPipeline(name, [found]) from None


def _from_mapping(read: _Read, document: Mapping[str, object], source: Source, depth: int) -> Source:
    """A definition, or a document that contains one: a DescribePipeline response, a template, a manifest."""
    within: Place = None
    if "Steps" not in document:
        from .wrappers import CannotUnwrap, unwrap

        try:
            held, within = unwrap(document)
        except CannotUnwrap as refused:
            raise InvalidPipeline(source.name, [*_located(refused.problem, source), *source.problems]) from None
        if isinstance(held, str):
            if read.problems:  # problems of the outer document, whose lines are not the definition's
                raise InvalidPipeline(source.name, read.problems)
            if depth >= MAX_WRAPPINGS:
                raise InvalidPipeline(source.name, [too_deep()])
            return _from_text(held, f"{source.name} (PipelineDefinition)", depth + 1)
        document = held
    if not read.written:
        return replace(source, document=document, within=place_text(within))
    from .lossy_scalars import settle

    document, written, changed = settle(document)
    problems = (*source.problems, *changed)
    return replace(source, document=document, within=place_text(within), problems=problems, written=written)


def _located(problem: Problem, source: Source) -> list[Problem]:
    if not source.text:
        return [problem]
    from .line_numbers import locate

    return list(locate(source.text, source.name, [problem], source.index))


def _load_yaml(text: str, name: str) -> _Read:
    from .yaml_source import YamlRefused, load_yaml

    try:
        read = load_yaml(text, is_template=bool(_TEMPLATE.search(text)))
    except YamlRefused as refused:
        raise InvalidPipeline(name, [refused.problem]) from None
    return _Read(read.documents, read.problems, read.written)


def _load_json(text: str, name: str) -> _Read:
    written = False

    def number(digits: str, kind: Callable[[str], Any]) -> Any:
        nonlocal written
        if len(digits) > MAX_DIGITS:
            raise ValueError
        made = plain_number(digits, kind)
        if repr(made) == digits:
            return made
        from .lossy_scalars import Written  # imported on demand: few documents have such a number

        written = True
        return Written(made, digits)

    twice: list[tuple[str, int, int]] = []
    try:
        document = read_json(text, number=number, twice=twice)
    except NotJson as error:
        code = "SM105" if error.kind == "bound" else "SM100"
        what = {"bound": f"the document {error}.", "letter": f"{error}."}.get(error.kind, f"this is not JSON: {error}.")
        raise InvalidPipeline(name, [Problem(code, "$", what, line=error.line, column=error.column)]) from None
    return _Read([document], tuple(key_twice(*one) for one in twice), written)


def _has_to_be_json(document: Mapping[str, object], name: str) -> None:
    """Refuse values in a user's dict that JSON cannot represent, or only with a different value."""
    values = letters = 0
    stack: list[tuple[Any, Place, int]] = [(document, None, 1)]
    while stack:
        container, place, depth = stack.pop()
        if depth > MAX_DEPTH:
            raise InvalidPipeline(name, [too_deep(where=place_text(place))])
        is_map = isinstance(container, Mapping)
        if is_map:
            letters += _letters_of_keys(container, place, name)
        for key, value in container.items() if is_map else enumerate(container):
            if type(value) is str and value.isascii():  # most values; the others are checked completely
                letters += len(value)
            elif isinstance(value, dict | list | tuple):
                stack.append((value, (place, key), depth + 1))
            else:
                wrong = _not_json(value)
                if wrong:
                    raise _no_json(name, (place, key), wrong)
                letters += len(value) if isinstance(value, str) else 0
        values += len(container)
        if values > MAX_VALUES or letters > MAX_BYTES:
            raise InvalidPipeline(name, [too_many(where=place_text(place))])


def _letters_of_keys(container: Mapping[object, object], place: Place, name: str) -> int:
    letters = 0
    for key in container:
        if not isinstance(key, str):
            raise _no_json(name, place, f"the key {key!r} is not a string")
        wrong = _half_a_letter(key)
        if wrong:
            raise _no_json(name, place, wrong)
        letters += len(key)
    return letters


def _no_json(name: str, place: Place, wrong: str) -> InvalidPipeline:
    what = f"the dict cannot be represented in JSON: {wrong}."
    return InvalidPipeline(name, [Problem("SM104", place_text(place), what)])


def _not_json(value: object) -> str:
    """Why JSON cannot represent the scalar ``value``; empty if it can."""
    match value:
        case str():
            return _half_a_letter(value)
        case float() if not math.isfinite(value):
            return f"{value} is not a number that JSON has"
        case None | bool() | int() | float():
            return ""
        case _:
            return f"a value of type {type(value).__name__} has no JSON representation"


def _half_a_letter(text: str) -> str:
    if text.isascii():
        return ""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return f"{text[error.start]!a} is a lone surrogate"
    return ""
