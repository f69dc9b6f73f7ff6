"""Expressions of the definition language: JSON -> :class:`Get`, :class:`Join`, :class:`JsonGet`.

Rules: docs/language/expressions.md.
An expression is an object with exactly one key, ``Get``, ``Std:Join`` or ``Std:JsonGet``; everything else is data.
In free-form maps, users may have a key called ``Get`` of their own, so there an object counts as an expression only if
its value begins with a known root.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeGuard, TypeVar

from .model import Comparison, Expression, Get, Join, JsonGet
from .problems import MAX_PROBLEMS, InvalidPipeline, Place, Problem, did_you_mean, place_text
from .property_paths import parse_json_path, parse_path

_T = TypeVar("_T")
ROOTS = ("Parameters", "Execution", "Steps", "ForEach", "IterationOutput", "PipelineExperimentConfig")
FREE_FORM = frozenset({"Environment", "HyperParameters", "StaticHyperParameters", "CustomerMetadataProperties"})
JSON_GET_KEYS = frozenset({"PropertyFile", "S3Uri", "Path"})
MARKS = frozenset({"Get", "Std:Join", "Std:JsonGet"})
LOWER_MARKS = {mark.casefold(): mark for mark in MARKS}
STANDARD = "std:"
# Expressions of newer SDKs, whose form in JSON is not documented: {key that may be theirs: (class, version of the SDK)}
NEWER = {
    "if": ("IfExpression", "3.30"),
    "ifexpression": ("IfExpression", "3.30"),
    "omit": ("Omit", "3.30"),
}


class Reader:
    """Reads values and collects ``references`` and ``comparisons`` with their places, and ``problems``."""

    __slots__ = ("comparisons", "counts", "problems", "references")

    def __init__(self) -> None:
        self.references: list[tuple[Place, Get | JsonGet]] = []
        self.comparisons: list[tuple[Place, Comparison]] = []
        self.problems: list[Problem] = []
        self.counts = {True: 0, False: 0}  # warnings and errors, including those beyond the limit

    def value(self, value: object, place: Place, free: bool = False, own_keys: bool = False) -> Any:
        """``value`` with expressions as objects; parts without expressions are returned as they are, not copied.

        ``free``: everything in it is the user's data; ``own_keys``: only its keys are, and its values are typed.
        """
        if isinstance(value, Mapping):
            if len(value) == 1:
                mark = next(iter(value))
                if mark in MARKS and not (mark == "Get" and (free or own_keys) and not _has_root(value[mark])):
                    return self._expression(mark, value[mark], place)
                if isinstance(mark, str) and self._is_unknown(mark, value, place, free, own_keys):
                    return value if free else ""
                if (free or own_keys) and isinstance(mark, str) and mark.casefold() in LOWER_MARKS:
                    self._misspelt(mark, value[mark], place)
            if own_keys and not free and None in value.values():
                self._nulls(value, place)
            return self._mapping(value, place, free)
        if isinstance(value, list | tuple):
            items = [self.value(item, (place, i), free) for i, item in enumerate(value)]
            return items if any(a is not b for a, b in zip(items, value, strict=True)) else value
        return value

    def _nulls(self, value: Mapping[str, object], place: Place) -> None:
        """Warn of ``VERSION:`` in YAML, which is null and not the empty string that the user may mean."""
        for key, item in value.items():
            if item is None:
                what = f'"{key}" is null, which is not a string, so it is left out.'
                self.report("SM166", (place, key), what, 'Write "" for an empty string, or remove the key.', warn=True)

    def _is_unknown(self, mark: str, value: Mapping[str, object], place: Place, free: bool, own_keys: bool) -> bool:
        """Whether ``value`` is an expression of a newer SDK; reports it, in the user's own data as a warning."""
        key = mark.casefold()
        is_standard = key.startswith(STANDARD)
        newer = NEWER.get(key.removeprefix(STANDARD)) if is_standard or not (free or own_keys) else None
        if newer is None and (not is_standard or expression_meant(value)):
            return False
        what = f'"{mark}" is not an expression that this package knows.'
        if newer is not None:
            what = f'"{mark}" looks like {newer[0]}, which came with version {newer[1]} of the SageMaker SDK.'
        fix = f"Use one of: {', '.join(sorted(MARKS))}; for anything else, give the value to the run as a parameter."
        self.report("SM110", (place, mark), what, fix, warn=free)
        return True

    def _misspelt(self, key: str, body: object, place: Place) -> None:
        """Warn of a misspelt expression in free-form data, where no type check would report the object."""
        if key == "Get":
            hint = _root_meant(body)
            if hint:
                what = f'"{body}" does not begin with a known root; the object is passed on unchanged.'
                self.report("SM110", place, what, hint, warn=True)
        elif isinstance(body, Mapping) or _has_root(body):
            what = f'"{key}" is not an expression; the object is passed on unchanged.'
            self.report("SM110", place, what, f'Did you mean "{LOWER_MARKS[key.casefold()]}"?', warn=True)

    def _mapping(self, value: Mapping[str, object], place: Place, free: bool) -> Any:
        changed: dict[str, Any] | None = None
        for key, item in value.items():
            if isinstance(item, str | int | float | None):
                continue
            read = self.value(item, (place, key), free, key in FREE_FORM)
            if read is not item:
                if changed is None:
                    changed = dict(value)
                changed[key] = read
        return value if changed is None else changed

    def _expression(self, mark: str, body: object, place: Place) -> Any:
        match mark:
            case "Get":
                expression: Expression | None = self._get(body, (place, mark))
            case "Std:Join":
                return self._join(body, (place, mark))
            case _:
                expression = self._json_get(body, (place, mark))
        if expression is not None:
            self.references.append((place, expression))  # type: ignore[arg-type]
        return expression

    def _get(self, body: object, place: Place) -> Get | None:
        if not isinstance(body, str):
            self.report(
                "SM110", place, f'"Get" must be a string, not {kind_of(body)}.', 'Write {"Get": "Parameters.Name"}.'
            )
            return None
        root, _, rest = body.partition(".")
        if root not in ROOTS:
            what = f'"{body}" begins with the unknown root "{root}".'
            self.report("SM110", place, what, did_you_mean(root, ROOTS))
            return None
        name, path_text = _split(rest)
        if not name:
            self.report("SM111", place, f'"{body}" has no name after "{root}".', "")
            return None
        if not path_text:
            return Get(root, name, (), body)
        try:
            return Get(root, name, parse_path(path_text), body)
        except ValueError as error:
            self.report("SM111", place, f'"{body}" cannot be parsed: {error}.', "")
            return None

    def _join(self, body: object, place: Place) -> Join:
        if not isinstance(body, Mapping) or not isinstance(body.get("Values"), list | tuple):
            self.report("SM110", place, '"Std:Join" must be an object with a list "Values".', _JOIN_FIX)
            return Join("", ())
        on = body.get("On")
        if on is not None and not isinstance(on, str):
            self.report("SM112", (place, "On"), '"On" must be a plain string; expressions are not allowed here.', "")
            on = ""
        for key in body:
            if key not in ("On", "Values"):
                self.report("SM110", (place, key), f'"Std:Join" has no member "{key}".', _JOIN_FIX)
        below = (place, "Values")
        values = []
        for index, item in enumerate(body["Values"]):
            read = self.value(item, (below, index))
            if isinstance(read, Mapping | list):
                what = f"a join accepts scalars and expressions, not {kind_of(read)}."
                self.report("SM110", (below, index), what, expression_meant(read))
                read = ""
            if read is None and item is None:
                what = 'a null in a join becomes the text "null".'
                self.report("SM166", (below, index), what, _NULL_FIX, warn=True)
            values.append(read)
        return Join(on or "", tuple(values))

    def _json_get(self, body: object, place: Place) -> JsonGet | None:
        if not isinstance(body, Mapping):
            self.report("SM110", place, f'"Std:JsonGet" must be an object, not {kind_of(body)}.', _JSON_GET_FIX)
            return None
        self.unknown_keys(body, JSON_GET_KEYS, place, "Std:JsonGet")
        text = body.get("Path")
        if not isinstance(text, str):
            what = "is missing" if text is None else f"must be a plain string, not {kind_of(text)}"
            self.report("SM112" if text is not None else "SM110", (place, "Path"), f'"Path" {what}.', _JSON_GET_FIX)
            return None
        try:
            path = parse_json_path(text)
        except ValueError as error:
            self.report("SM111", (place, "Path"), f"{error}.", "Use dotted or bracket form, e.g. metrics.mse.value.")
            return None
        if (body.get("PropertyFile") is None) == (body.get("S3Uri") is None):
            self.report("SM110", place, '"Std:JsonGet" needs either "PropertyFile" or "S3Uri".', _JSON_GET_FIX)
            return None
        if body.get("S3Uri") is not None:
            uri = self.value(body["S3Uri"], (place, "S3Uri"))
            if isinstance(uri, Mapping | list):
                what = f'"S3Uri" must be a string or an expression, not {kind_of(uri)}.'
                self.report("SM110", (place, "S3Uri"), what, "")
                return None
            return JsonGet(None, None, uri, path, text)
        return self._property_file(body["PropertyFile"], (place, "PropertyFile"), path, text)

    def _property_file(self, file: object, place: Place, path: tuple[Any, ...], text: str) -> JsonGet | None:
        target = file.get("Get") if isinstance(file, Mapping) and len(file) == 1 else None
        parts = target.split(".", 3) if isinstance(target, str) else []  # the file's name may contain dots
        if len(parts) != 4 or parts[0] != "Steps" or parts[2] != "PropertyFiles":
            fix = 'Write {"Get": "Steps.<step>.PropertyFiles.<name>"}.'
            self.report("SM110", place, '"PropertyFile" does not name a property file of a step.', fix)
            return None
        return JsonGet(parts[1], parts[3], None, path, text)

    @property
    def errors(self) -> list[Problem]:
        """The problems without the warnings."""
        return [problem for problem in self.problems if problem.severity == "error"]

    def report(self, code: str, place: Place, what: str, fix: str = "", *, warn: bool = False) -> None:
        """Add a problem."""
        self.counts[warn] += 1
        if self.counts[warn] <= MAX_PROBLEMS:
            self.problems.append(Problem(code, place_text(place), what, fix, severity="warning" if warn else "error"))

    def wanted(self, value: object, kind: type[_T], place: Place, word: str) -> TypeGuard[_T]:
        """Whether ``value`` is of ``kind``; reports any other value except null."""
        if isinstance(value, kind) and not (isinstance(value, bool) and kind is not bool):
            return True
        if value is not None:
            if isinstance(value, Mapping) and len(value) == 1 and next(iter(value)) in MARKS:
                self.report("SM112", place, f"an expression is not allowed here; expected {word}.")
            else:
                what = f"expected {word}, found {kind_of(value)}."
                self.report("SM122", place, what, expression_meant(value))
        return False

    def unknown_keys(
        self, value: Mapping[str, object], known: frozenset[str], place: Place, owner: str, *, ours: bool = False
    ) -> None:
        """Warn about keys that are not in ``known``.

        ours   report them as errors, because the service, which would ignore them, has no such steps
        """
        for key in value:
            if key not in known:
                hint = did_you_mean(str(key), known) if self.counts[not ours] < MAX_PROBLEMS else ""
                ignored = "" if ours else "; it is ignored"
                self.report("SM120", (place, key), f'{owner} has no key "{key}"{ignored}.', hint, warn=not ours)


_NULL_FIX = 'Write the value, or "" for none. In SDK code, None is often a variable that was not set.'
_JOIN_FIX = 'Write {"Std:Join": {"On": "/", "Values": [...]}}.'
_JSON_GET_FIX = 'Write {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.S.PropertyFiles.F"}, "Path": "a.b"}}.'


def referenced_steps(value: object) -> set[str]:
    """Names of the steps that expressions in ``value`` reference."""
    reader = Reader()
    reader.value(value, None, free=True)
    found = (reference for _, reference in reader.references)
    names = {r.step if isinstance(r, JsonGet) else r.name for r in found if isinstance(r, JsonGet) or r.root == "Steps"}
    return {name for name in names if name}


def parse_value(value: object, where: str = "$", *, free: bool = False) -> Any:
    """``value`` of a document, with its expressions as objects.

    Raises :class:`InvalidPipeline` if one is malformed.  ``where`` is the place of the value in messages; ``free``: its
    maps are the user's own and may have a key called ``Get``.
    """
    reader = Reader()
    read = reader.value(value, None, free=free)
    if reader.errors:
        raise InvalidPipeline(where, reader.errors)
    return read


def as_written(value: object) -> Any:
    """``value`` converted back to plain JSON, for messages."""
    match value:
        case Get(text=text):
            return {"Get": text}
        case Join(on=on, values=values):
            return {"Std:Join": {"On": on, "Values": as_written(values)}}
        case JsonGet(step=str(step), property_file=file, path_text=path):
            return {"Std:JsonGet": {"PropertyFile": {"Get": f"Steps.{step}.PropertyFiles.{file}"}, "Path": path}}
        case JsonGet(s3_uri=uri, path_text=path):
            return {"Std:JsonGet": {"S3Uri": as_written(uri), "Path": path}}
        case Mapping():
            return {key: as_written(item) for key, item in value.items()}
        case list() | tuple():
            return [as_written(item) for item in value]
        case _:
            return value


def expression_meant(value: object) -> str:
    """The hint for an object that looks like a misspelt expression; empty for other values."""
    if isinstance(value, Mapping) and "Values" in value and set(value) <= {"On", "Values"}:
        return _JOIN_FIX
    if not isinstance(value, Mapping) or len(value) != 1:
        return ""
    key = str(next(iter(value)))
    if key in MARKS or key.casefold().removeprefix(STANDARD) in NEWER:
        return ""
    hint = did_you_mean(LOWER_MARKS.get(key.casefold(), key), MARKS)
    return hint if hint.startswith("Did") else ""


def _split(rest: str) -> tuple[str, str]:
    """``Train.ModelArtifacts`` -> ``("Train", "ModelArtifacts")``; a name ends at the first dot or bracket."""
    for index, letter in enumerate(rest):
        if letter == ".":
            return rest[:index], rest[index + 1 :]
        if letter == "[":
            return rest[:index], rest[index:]
    return rest, ""


def _root_meant(body: object) -> str:
    """The hint for a string that looks like a reference with a misspelt root."""
    root = re.split(r"[.\[]", body)[0] if isinstance(body, str) else ""
    if not root or root == body:
        return ""
    if root in ROOTS:
        return f'Write "{root}.<name>".'
    hint = did_you_mean(root, ROOTS)
    return hint if hint.startswith("Did") else ""


def is_expression(value: object) -> TypeGuard[Mapping[str, Any]]:
    """Whether ``value`` has the form of an expression."""
    return isinstance(value, Mapping) and len(value) == 1 and next(iter(value)) in MARKS


def _has_root(body: object) -> bool:
    return isinstance(body, str) and body.partition(".")[0] in ROOTS


def called(name: object) -> str:
    """The step in messages; it may have no name."""
    return f'step "{name}"' if isinstance(name, str) else "this step"


def kind_of(value: object) -> str:
    """A value in messages: its kind, or the value itself if it is short."""
    match value:
        case Mapping():
            return "an object"
        case list() | tuple():
            return "a list"
        case None:
            return "null"
        case bool():
            return "a boolean"
        case str():
            return f'"{value}"' if len(value) <= 60 else "a string"
        case _:
            return f"the number {value}"
