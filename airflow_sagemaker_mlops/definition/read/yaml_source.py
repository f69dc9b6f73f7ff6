"""YAML definitions: the same document with CloudFormation-style short tags.

``!Get Parameters.X``, ``!Sub "s3://${Parameters.Bucket}/x"``, ``!Join [sep, [values]]``,
``!JsonGet {PropertyFile: [Step, File], Path: a.b}``.  The long forms are plain mappings and need no tag.

Scalars follow YAML 1.2's core schema: ``yes``, ``on``, ``012`` and ``2024-01-01`` are strings.
Duplicate keys and unreadable tags are errors, reported together with all other problems.

The document is built from the parser's events and never from its node tree: libyaml composes nodes by recursion in C,
so a deep document would crash the process, and PyYAML expands merge keys again at every use.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Protocol

import yaml

from ..problems import MAX_PROBLEMS, Problem, key_twice
from .lossy_scalars import Written, boolean_as_written, number_as_written, settle
from .strict_json import MAX_BYTES, MAX_DEPTH, MAX_VALUES, too_deep, too_many
from .yaml_tags import expand, template_tag

UNREAD = {"Std:JsonGet": {"S3Uri": "", "Path": "unread"}}  # fits any type, so it causes no further problem
MAX_DIRECTIVES = 100  # libyaml compares each "%TAG" line with all others
_MERGE = "tag:yaml.org,2002:merge"
_CORE = "tag:yaml.org,2002:"
_BEYOND_JSON = frozenset({"binary", "timestamp", "omap", "pairs", "set"})
_DIRECTIVE = re.compile(r"^%", re.MULTILINE)
_BOOLEAN = re.compile(r"true|True|TRUE|false|False|FALSE")
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?")
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_NUMBER_BEGINS = frozenset("-+.0123456789")

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Mark(Protocol):
    """A position in a text, counted from 0; libyaml's and PyYAML's own class have no common base."""

    line: int
    column: int


class _Loader(_Base):  # type: ignore[misc]
    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - the builder resolves scalars itself


class YamlRefused(ValueError):
    """A YAML text that cannot be used; ``problem`` has its position, and ``str()`` the line and the fix, too."""

    def __init__(self, problem: Problem) -> None:
        line = f"line {problem.line}: " if problem.line else ""
        super().__init__(f"{line}{problem.what} {problem.fix}".rstrip())
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Yaml:
    """The content of a YAML text.

    documents   one for each document of the stream, tags expanded
    problems    repeated keys and unreadable tags
    written     whether the values include a :class:`Written`
    """

    documents: list[Any]
    problems: tuple[Problem, ...]
    written: bool


@dataclass(slots=True)
class _Open:
    """A sequence or mapping that is still open.

    size, letters   of its content so far, with aliases expanded
    marks           start of each item of a sequence; only kept for the value of a merge key
    key             in a mapping: the key whose value comes next
    """

    is_map: bool
    tag: str | None
    mark: _Mark
    anchor: str | None
    items: list[Any] = field(default_factory=list)
    own: dict[str, Any] = field(default_factory=dict)
    merged: list[dict[str, Any]] = field(default_factory=list)
    has_key: bool = False
    key: str = ""
    merging: bool = False
    marks: list[Any] | None = None
    size: int = 1
    letters: int = 0
    twice: set[str] | None = None


@dataclass(slots=True)
class _Anchor:
    """The target of an alias; ``done`` is false while the anchored value is still open."""

    value: Any = None
    text: str | None = None
    size: int = 1
    letters: int = 0
    done: bool = False


class _Builder:
    """Events -> documents, without recursion."""

    def __init__(self, is_template: bool) -> None:
        self.is_template = is_template
        self.problems: dict[Problem, None] = {}  # ordered, without duplicates
        self.documents: list[Any] = []
        self.open: list[_Open] = []
        self.anchors: dict[str, _Anchor] = {}
        self.written = False

    def build(self, events: Iterator[Any]) -> None:
        for event in events:
            match event:
                case yaml.ScalarEvent():
                    self._scalar(event)
                case yaml.AliasEvent():
                    self._alias(event)
                case yaml.SequenceStartEvent():
                    self._begin(event, is_map=False)
                case yaml.MappingStartEvent():
                    self._begin(event, is_map=True)
                case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                    self._end()
                case yaml.DocumentStartEvent():
                    self.anchors = {}
                case _:
                    continue

    # -- events ------------------------------------------------------------------------------------------------------

    def _begin(self, event: Any, *, is_map: bool) -> None:
        inside = self.open[-1] if self.open else None
        mark = event.start_mark
        if len(self.open) >= MAX_DEPTH:
            raise YamlRefused(too_deep(mark.line + 1, mark.column + 1))
        if inside is not None and inside.is_map and not inside.has_key:
            what = f"a key is {'an object' if is_map else 'a list'}, but keys in JSON are strings"
            raise _refused(mark, what, 'Put text that begins with "{{" into quotation marks.' if is_map else "")
        tag = None if event.implicit else event.tag
        made = _Open(is_map, tag, mark, event.anchor)
        if inside is not None and inside.merging and not is_map:
            made.marks = []
        self.open.append(made)
        if event.anchor:
            self.anchors[event.anchor] = _Anchor()

    def _end(self) -> None:
        made = self.open.pop()
        value: Any = made.items
        if made.is_map:
            value = made.own
            if made.merged:
                value = {}
                for source in reversed(made.merged):
                    value.update(source)
                value.update(made.own)
        value = self._tagged(made, value)
        if made.anchor:
            self.anchors[made.anchor] = _Anchor(value, None, made.size, made.letters, done=True)
        self._put(value, made.mark, made.size, made.letters, marks=made.marks)

    def _alias(self, event: Any) -> None:
        mark = event.start_mark
        anchor = self.anchors.get(event.anchor)
        if anchor is None:
            raise _refused(mark, f'there is no anchor "{event.anchor}" before this alias')
        if not anchor.done:
            raise _refused(mark, f'the alias "{event.anchor}" is used inside the value that it refers to')
        if self._is_key(mark, anchor.text):
            self.open[-1].letters += anchor.letters
            return
        self._put(anchor.value, mark, anchor.size, anchor.letters)

    def _scalar(self, event: Any) -> None:
        text, mark = event.value, event.start_mark
        inside = self.open[-1] if self.open else None
        if inside is not None and inside.is_map and not inside.has_key:
            if event.anchor:
                self.anchors[event.anchor] = _Anchor(text, text, 1, len(text), done=True)
            if text == "<<" and (event.implicit[0] or event.tag == _MERGE):
                inside.has_key = inside.merging = True
            else:
                self._is_key(mark, text)
            inside.letters += len(text)
            return
        value = self._value(event)
        if event.anchor:
            self.anchors[event.anchor] = _Anchor(value, text, 1, len(text), done=True)
        self._put(value, mark, 1, len(text))

    def _is_key(self, mark: _Mark, text: str | None) -> bool:
        """Whether the scalar is the next key of a mapping; if so, it is stored as the key."""
        inside = self.open[-1] if self.open else None
        if inside is None or not inside.is_map or inside.has_key:
            return False
        if text is None:
            raise _refused(mark, "a key is not a string, but keys in JSON are strings")
        inside.has_key, inside.key = True, text
        if text in inside.own:
            if inside.twice is None:
                inside.twice = set()
            if text not in inside.twice:
                inside.twice.add(text)
                self._keep(key_twice(text, mark.line + 1, mark.column + 1))
        return True

    def _put(self, value: object, mark: _Mark, size: int, letters: int, marks: list[Any] | None = None) -> None:
        """Add a finished value to its container."""
        if not self.open:
            self.documents.append(value)
            return
        inside = self.open[-1]
        inside.size += size
        inside.letters += letters
        if inside.size > MAX_VALUES or inside.letters > MAX_BYTES:
            raise YamlRefused(too_many(mark.line + 1, mark.column + 1))
        if not inside.is_map:
            inside.items.append(value)
            if inside.marks is not None:
                inside.marks.append(mark)
            return
        inside.has_key = False
        if not inside.merging:
            inside.own[inside.key] = value
            return
        inside.merging = False
        sources = list(zip(value, marks or [mark] * len(value), strict=True)) if isinstance(value, list) else None
        for source, place in sources if sources is not None else [(value, mark)]:
            if not isinstance(source, dict):
                raise _refused(place, "a mapping is expected here")
            inside.merged.append(source)

    # -- values ------------------------------------------------------------------------------------------------------

    def _value(self, event: Any) -> Any:
        text, tag = event.value, event.tag
        if event.implicit[0] and tag is None:  # plain, without a tag
            return self._resolved(text, event.start_mark)
        if tag is None or tag == "!" or event.implicit[1]:
            return text
        if tag.startswith(_CORE):
            return self._core(tag.removeprefix(_CORE), text, event.start_mark)
        return self._expanded(tag, text, event.start_mark)

    def _expanded(self, tag: str, value: object, mark: _Mark) -> Any:
        if self.is_template:
            return template_tag(tag, value)

        def refuse(what: str, fix: str) -> Any:
            self._keep(Problem("SM110", "$", what, fix, line=mark.line + 1, column=mark.column + 1))
            return UNREAD

        return expand(tag, value, refuse)

    def _keep(self, problem: Problem) -> None:
        if len(self.problems) < MAX_PROBLEMS:
            self.problems[problem] = None

    def _resolved(self, text: str, mark: _Mark) -> Any:
        first = text[:1]
        if first in _NUMBER_BEGINS and first:
            if _INTEGER.fullmatch(text):
                return self._kept(_number(text, int, mark))
            if _FLOAT.fullmatch(text):
                return self._kept(_number(text, float, mark))
            return text
        if text in _NULLS:
            return None
        if first in "tTfF" and _BOOLEAN.fullmatch(text):
            return self._kept(boolean_as_written(text))
        return text

    def _kept(self, value: object) -> Any:
        self.written = self.written or type(value) is Written
        return value

    def _core(self, kind: str, text: str, mark: _Mark) -> Any:
        """A scalar with one of YAML's built-in tags, ``!!int 3``."""
        if kind in _BEYOND_JSON:
            return self._no_json(kind, mark)
        if kind == "str":
            return text
        fits = {"int": _INTEGER, "float": _FLOAT, "bool": _BOOLEAN}.get(kind)
        if (fits is not None and fits.fullmatch(text)) or (kind == "null" and text in _NULLS):
            return self._resolved(text, mark)
        if kind == "float" and _INTEGER.fullmatch(text):
            return self._kept(_number(text, float, mark))
        shown = f'"{text}"' if len(text) <= 60 else "this"
        raise _refused(mark, f"{shown} cannot be read as {kind}")

    def _tagged(self, made: _Open, value: object) -> Any:
        tag, mark = made.tag, made.mark
        if tag is None or tag == "!":
            return value
        if not tag.startswith(_CORE):
            return self._expanded(tag, value, mark)
        kind = tag.removeprefix(_CORE)
        if kind in _BEYOND_JSON:
            return self._no_json(kind, mark)
        if kind != ("map" if made.is_map else "seq"):
            raise _refused(mark, f"{'an object' if made.is_map else 'a list'} cannot be read as {kind}")
        return value

    def _no_json(self, kind: str, mark: _Mark) -> Any:
        what = f'"!!{kind}" is a type that JSON does not have.'
        fix = "Write it as a string or a list."
        self._keep(Problem("SM110", "$", what, fix, line=mark.line + 1, column=mark.column + 1))
        return UNREAD


def _number(text: str, kind: Callable[[str], Any], mark: _Mark) -> Any:
    try:
        return number_as_written(text, kind)
    except ValueError as error:
        raise _refused(mark, str(error)) from None


def _refused(mark: _Mark, what: str, fix: str = "") -> YamlRefused:
    problem = Problem("SM101", "$", f"this is not YAML: {what}.", fix, line=mark.line + 1, column=mark.column + 1)
    return YamlRefused(problem)


def load_yaml(text: str, *, is_template: bool = False) -> Yaml:
    """The documents in ``text``.  Raises :class:`YamlRefused` if it is not YAML, or too large.

    is_template   interpret short tags as CloudFormation does
    """
    if sum(1 for _ in _DIRECTIVE.finditer(text)) > MAX_DIRECTIVES:
        what = f"more than {MAX_DIRECTIVES} lines begin with %, as directives do."
        raise YamlRefused(Problem("SM105", "$", what, line=1, column=1))
    builder = _Builder(is_template)
    try:
        builder.build(yaml.parse(text, Loader=_Loader))
    except yaml.YAMLError as error:
        from .yaml_errors import not_yaml

        raise YamlRefused(not_yaml(error, text)) from None
    return Yaml(builder.documents, tuple(builder.problems), builder.written)


def plain_yaml(text: str) -> Any:
    """The value in a ``text`` other than a definition: a file of prices or stubs.  Raises ``ValueError``."""
    read = load_yaml(text)
    if len(read.documents) > 1 or read.problems:
        problem = read.problems[0] if read.problems else None
        raise ValueError(f"line {problem.line}: {problem.what}" if problem else "it contains several documents")
    document = read.documents[0] if read.documents else None
    return settle(document)[0] if read.written else document


def compose(text: str, index: int = 0) -> Any:
    """The node tree of a ``text`` that :func:`load_yaml` has accepted, for positions; it cannot be too deep."""
    try:
        return next(islice(yaml.compose_all(text, Loader=_Loader), index, None), None)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from None
