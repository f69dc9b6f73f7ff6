"""What a user calls a definition -> plain JSON: file, text, dict, SDK object, or an answer of DescribePipeline."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .problems import InvalidPipeline, Problem, key_twice

_ESCAPE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\.", re.DOTALL
)
MOST_BYTES = 8_000_000  # the service takes 1 MiB; YAML with comments may be longer


@dataclass(frozen=True, slots=True)
class Source:
    """A definition as it was read.

    text       what was read, for positions; empty for dicts and SDK objects
    name       what the user calls it
    problems   what is wrong with the text although it could be read: keys that stand twice, the last of which counts,
               and tags of YAML that say nothing
    """

    document: Mapping[str, Any]
    text: str
    name: str
    problems: tuple[Problem, ...] = ()


def is_yaml(name: str, text: str) -> bool:
    """Whether a document is read as YAML: by its file's ending, else by how it begins."""
    if name.endswith((".yaml", ".yml")):
        return True
    return not name.endswith(".json") and not text.lstrip().startswith(("{", "["))


def read_source(source: Any, base_dir: Path | None, name: str | None) -> Source:
    """Read ``source``.  Raises :class:`InvalidPipeline` (SM10x) when there is no document to be had from it."""
    if isinstance(source, Mapping):
        _has_to_be_json(source, name or "definition")
        return _from_mapping(source, name or "definition")
    return _from_text(*read_text(source, base_dir, name))


def read_text(source: Any, base_dir: Path | None, name: str | None) -> tuple[str, str]:
    """The text of a definition that is no dict, and what it is called."""
    if hasattr(source, "definition"):
        return str(source.definition()), name or type(source).__name__
    if isinstance(source, bytes):
        source = _decode(source, name or "definition")
    if isinstance(source, str) and ("\n" in source or source.lstrip().startswith("{")):
        return source, name or "definition"
    if isinstance(source, str | os.PathLike):
        return _read_file(Path(source), base_dir, name)
    what = f"a {type(source).__name__} is not a definition."
    fix = "Give a file name, JSON text, a dict, or a pipeline object of the SageMaker SDK."
    raise InvalidPipeline(name or "definition", [Problem("SM104", "$", what, fix)])


def _read_file(path: Path, base_dir: Path | None, name: str | None) -> tuple[str, str]:
    shown = name or str(path)
    full = path if path.is_absolute() or base_dir is None else base_dir / path
    try:
        if full.stat().st_size > MOST_BYTES:
            raise InvalidPipeline(shown, [Problem("SM105", "$", f"the file is larger than {MOST_BYTES} bytes.")])
        return _decode(full.read_bytes(), shown), shown
    except OSError as error:
        what = f"the file cannot be read: {error.strerror or error}."
        raise InvalidPipeline(shown, [Problem("SM103", "$", what, f"Looked for {full}.")]) from None


def _decode(content: bytes, name: str) -> str:
    try:
        return content.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        what = f"the text is not UTF-8: byte {error.start} cannot be read."
        raise InvalidPipeline(name, [Problem("SM103", "$", what)]) from None


def _from_text(text: str, name: str) -> Source:
    document, problems = _load_yaml(text, name) if is_yaml(name, text) else _load_json(text, name)
    if not isinstance(document, Mapping):
        what = "the document is not an object with Version, Parameters and Steps."
        raise InvalidPipeline(name, [Problem("SM104", "$", what, line=1, column=1), *problems])
    inner = _from_mapping(document, name)
    if inner.document is document:
        return Source(document, text, name, problems)
    if problems:  # of the answer around the definition, whose lines are not the definition's
        raise InvalidPipeline(name, problems)
    return inner


def _from_mapping(document: Mapping[str, Any], name: str) -> Source:
    """A definition, or what holds one as text: an answer of DescribePipeline, a resource of CloudFormation."""
    if "Steps" not in document:
        inner = document.get("PipelineDefinition")
        if isinstance(inner, Mapping):
            return _from_mapping(inner, name)
        for text in (inner, document.get("PipelineDefinitionBody")):
            if isinstance(text, str):
                return _from_text(text, f"{name} (PipelineDefinition)")
    return Source(document, "", name)


def _load_yaml(text: str, name: str) -> tuple[Any, tuple[Problem, ...]]:
    from .yaml_source import YamlRefused, load_yaml

    try:
        return load_yaml(text)
    except YamlRefused as refused:
        raise InvalidPipeline(name, [refused.problem]) from None


def _load_json(text: str, name: str) -> tuple[Any, tuple[Problem, ...]]:
    doubled = False

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal doubled
        made = dict(items)
        doubled = doubled or len(made) != len(items)
        return made

    try:
        document = json.loads(text, object_pairs_hook=pairs, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        what = f"this is not JSON: {error.msg[0].lower()}{error.msg[1:]}."
        problem = Problem("SM100", "$", what, line=error.lineno, column=error.colno)
        raise InvalidPipeline(name, [problem]) from None
    except _NotANumber as error:
        at = text.find(str(error))
        line, column = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
        what = f"this is not JSON: {error} is not a number there."
        raise InvalidPipeline(name, [Problem("SM100", "$", what, line=line, column=column)]) from None
    except ValueError as error:
        raise InvalidPipeline(name, [Problem("SM100", "$", f"this is not JSON: {error}.")]) from None
    except RecursionError:
        raise InvalidPipeline(name, [Problem("SM105", "$", "the document is nested too deeply.")]) from None
    if "\\ud" in text or "\\uD" in text:
        _has_whole_letters(text, name)
    return document, _doubled(text) if doubled else ()


def _has_whole_letters(text: str, name: str) -> None:
    """JSON can escape half of a letter beyond the first 65,536, which no file and no request can hold."""
    for match in _ESCAPE.finditer(text):
        if match[1]:
            line, column = text.count("\n", 0, match.start()) + 1, match.start() - text.rfind("\n", 0, match.start())
            what = f'"{match[1]}" is half of a letter; the other half does not follow.'
            raise InvalidPipeline(name, [Problem("SM100", "$", what, line=line, column=column)])


def _has_to_be_json(document: Mapping[str, Any], name: str) -> None:
    try:
        json.dumps(document, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        what = f"the dict is not what JSON could hold: {error}."
        raise InvalidPipeline(name, [Problem("SM104", "$", what)]) from None


class _NotANumber(ValueError):
    """NaN or Infinity, which Python reads and JSON does not have."""


def _no_constant(constant: str) -> Any:
    raise _NotANumber(constant)


def _doubled(text: str) -> tuple[Problem, ...]:
    from .doubled import second_uses

    return tuple(key_twice(key, line, column) for key, line, column in second_uses(text))
