"""``Columns`` of a drift check: describes the columns of the data.  Nothing here imports numpy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ..gate.problems import InvalidRules, RuleProblem, alike, listed

# the strings that pandas reads as missing values (pandas.io.parsers, ``na_values``)
MISSING_TEXTS = frozenset(
    [
        "",
        "#N/A",
        "#N/A N/A",
        "#NA",
        "-1.#IND",
        "-1.#QNAN",
        "-NaN",
        "-nan",
        "1.#IND",
        "1.#QNAN",
        "<NA>",
        "N/A",
        "NA",
        "NULL",
        "NaN",
        "None",
        "n/a",
        "nan",
        "null",
    ]
)

IsOpen = Callable[[object], bool]
COLUMN_LISTS = {"Numeric": "numeric", "Categorical": "categorical", "Ignore": "ignored", "Missing": "missing"}
COLUMN_KEYS = ("Label", *COLUMN_LISTS, "Header")


@dataclass(frozen=True)
class Columns:
    """The description of a table's columns.

    label        the column of the label, or empty
    numeric      columns that must be numeric; undeclared columns are numeric if every value is a number
    categorical  columns that are categories although they look like numbers
    ignored      columns that are skipped
    missing      texts that mean a missing value
    header       whether the first line of a CSV file has the names; if not, they are ``c0``, ``c1``, …
    """

    label: str = ""
    numeric: frozenset[str] = frozenset()
    categorical: frozenset[str] = frozenset()
    ignored: frozenset[str] = frozenset()
    missing: frozenset[str] = MISSING_TEXTS
    header: bool = True


def columns_of(value: object) -> Columns:
    """Parse ``Columns`` in ``value``, which may be ``None``; raises :class:`InvalidRules` with every problem.

    Keys: ``Label`` (a column), ``Numeric``, ``Categorical``, ``Ignore`` (lists of columns), ``Missing`` (texts that
    mean a missing value, in addition to the usual ones), ``Header`` (``false`` for CSV files without names).
    """
    columns, problems = _read(value)
    if problems:
        raise InvalidRules(problems)
    return columns


def never(_value: object) -> bool:
    """No value is open."""
    return False


def column_problems(value: object, is_open: IsOpen = never) -> tuple[RuleProblem, ...]:
    """Every problem of the ``Columns`` in ``value``; values that are ``is_open`` are not checked."""
    if is_open(value):
        return ()
    if isinstance(value, Mapping):
        value = {key: () if key in COLUMN_LISTS and _is_open(item, is_open) else item for key, item in value.items()}
        value = {key: item for key, item in value.items() if key not in COLUMN_KEYS or not is_open(item)}
    return tuple(_read(value)[1])


def _is_open(value: object, is_open: IsOpen) -> bool:
    return is_open(value) or (isinstance(value, (list, tuple)) and any(map(is_open, value)))


def _read(value: object) -> tuple[Columns, list[RuleProblem]]:
    if value is None:
        return Columns(), []
    if not isinstance(value, Mapping):
        return Columns(), [RuleProblem("", "Columns is not an object.", "Write Columns: {Label: late, Ignore: [id]}.")]
    problems: list[RuleProblem] = []
    for key in value:
        if key not in COLUMN_KEYS:
            near = alike(str(key), COLUMN_KEYS)
            fix = f'Did you mean "{near}"?' if near else f"Its keys are {listed(COLUMN_KEYS)}."
            problems.append(RuleProblem(str(key), f'Columns has no key "{key}".', fix))
    lists = {name: _names(value, key, problems) for key, name in COLUMN_LISTS.items()}
    label = value.get("Label", "")
    if not isinstance(label, str):
        problems.append(RuleProblem("Label", "Label is not the name of a column."))
        label = ""
    header = value.get("Header", True)
    if not isinstance(header, bool):
        problems.append(RuleProblem("Header", "Header is neither true nor false."))
        header = True
    both = sorted(lists["numeric"] & lists["categorical"])
    if both:
        problems.append(RuleProblem("Categorical", f'"{both[0]}" is declared numeric, too.', "Keep one of them."))
    if label and label in lists["ignored"]:
        problems.append(RuleProblem("Ignore", f'"{label}" is the label.', "Remove it from Ignore or from Label."))
    lists["missing"] |= MISSING_TEXTS
    return Columns(label=label, header=header, **lists), problems


def _names(value: Mapping[object, object], key: str, problems: list[RuleProblem]) -> frozenset[str]:
    names = value.get(key, ())
    if isinstance(names, str) or not isinstance(names, Sequence) or not all(isinstance(name, str) for name in names):
        problems.append(RuleProblem(key, f"{key} is not a list of texts.", f"Write {key}: [one, two]."))
        return frozenset()
    return frozenset(names)
