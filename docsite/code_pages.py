"""A page for each problem code: the rule, a document that breaks it with the exact report, and the fix.

The rules are the rows of ``docs/problems.md``; documents and reports are the cases that the tests run.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from airflow_sagemaker_mlops.definition.problem_names import NAMES

from .messages import messages
from .staging import ROOT

PIPELINES = ROOT / "tests" / "pipelines"
LONGEST = 45  # lines of a document that is shown whole
AROUND = 4  # lines shown around a problem of a longer document
MAX_CASES = 3
_ROW = re.compile(r"^\| (?:<a [^>]*></a>)?(SM\d{3}) \| `([a-z0-9-]+)` \| (.+) \|$", re.MULTILINE)
_PROBLEM = re.compile(
    r"^(?:  |warning: )?pipeline\.(?:json|yaml)(?::(\d+):\d+)?  .*?\[(SM\d{3})[^\]]*\].*(?:\n {6}.*)*", re.MULTILINE
)

# Where a code without a case of its own is explained; the longest prefix counts.
SUBJECTS = {
    "SM1": ("The document", "docs/language/document.md"),
    "SM15": ("Step types", "docs/step-types.md"),
    "SM164": ("Runs", "docs/running.md"),
    "SM165": ("Settings", "docs/settings.md"),
    "SM2": ("Expressions", "docs/language/expressions.md"),
    "SM22": ("Steps", "docs/language/steps/index.md"),
    "SM228": ("Several accounts", "docs/guides/accounts.md"),
    "SM229": ("x-airflow", "docs/language/steps/airflow.md"),
    "SM230": ("Runs", "docs/running.md"),
    "SM30": ("Step types", "docs/step-types.md"),
    "SM31": ("The champion gate", "docs/guides/gate.md"),
    "SM317": ("Drift", "docs/drift.md"),
    "SM318": ("Drift", "docs/drift.md"),
    "SM319": ("Drift", "docs/drift.md"),
    "SM32": ("Champions", "docs/guides/champions.md"),
    "SM33": ("Safe deployment", "docs/guides/deployment.md"),
    "SM34": ("Safe deployment", "docs/guides/deployment.md"),
    "SM35": ("Stages", "docs/guides/stages.md"),
    "SM36": ("Stages", "docs/guides/stages.md"),
    "SM37": ("Projects", "docs/guides/projects.md"),
    "SM40": ("Selective execution", "docs/selective.md"),
    "SM401": ("Parameters", "docs/parameters.md"),
    "SM402": ("Parameters", "docs/parameters.md"),
    "SM403": ("Overview", "README.md"),
    "SM404": ("x-airflow", "docs/language/steps/airflow.md"),
    "SM41": ("Parameters", "docs/parameters.md"),
    "SM410": ("Assets", "docs/bridges.md"),
    "SM411": ("Selective execution", "docs/selective.md"),
    "SM412": ("Selective execution", "docs/selective.md"),
    "SM42": ("Runs", "docs/running.md"),
}


def code_pages() -> Iterator[tuple[str, str]]:
    """The pages in the order of their codes: ``("docs/problems/sm101.md", text)``."""
    rules = {code: rule for code, _, rule in _ROW.findall((ROOT / "docs" / "problems.md").read_text(encoding="utf-8"))}
    for code, name in sorted(NAMES.items()):
        yield f"docs/problems/{code.lower()}.md", "\n".join(_page(code, name, rules[code]))


def linked_table(page: str) -> str:
    """The table of ``docs/problems.md`` with a link to the page of each code."""
    return re.sub(
        r"(?m)^(\| (?:<a [^>]*></a>)?)(SM\d{3}) \|",
        lambda row: f"{row[1]}[{row[2]}](problems/{row[2].lower()}.md) |",
        page,
    )


def _page(code: str, name: str, rule: str) -> Iterator[str]:
    yield f"# {code}: {name}\n"
    yield f"**The rule:** {_relative(rule)}.\n"
    cases = sorted(_cases().get(code, ()), key=lambda case: (not case.name.startswith(code), _length(case), case.name))
    fixes = list(dict.fromkeys(fix for case in cases for fix in _fixes(case, code)))
    for number, case in enumerate(cases[:MAX_CASES]):
        yield "## Example\n" if number == 0 else "## Another example\n"
        yield from _example(case, code)
    if fixes:
        yield "## How to fix it\n"
        yield "The report says how to correct your document. In these examples:\n"
        yield from (f"* {_plain(fix)}" for fix in fixes[:8])
        yield ""
    elif not cases:
        yield from _messages(code)
    title, about = _subject(code)
    yield f"Read on: [{title}](../../{about}), [all problem codes](../problems.md#{code.lower()})."
    yield ""


def _messages(code: str) -> Iterator[str]:
    """For a code without a case: what its reports say, as the package's code has it."""
    if not messages()[code]:
        yield "The report names the place and the value, and says what to write instead.\n"
        return
    yield "## What a report says\n"
    yield "With the place and your values instead of `…`:\n\n```text"
    for message in messages()[code]:
        yield f"[{code}] {message.what}"
        if message.fix:
            yield f"    {message.fix}"
    yield "```\n"


@cache
def _cases() -> Mapping[str, list[Path]]:
    """The folders of cases whose report has a code, by code."""
    found: dict[str, list[Path]] = defaultdict(list)
    for report in [*PIPELINES.glob("invalid/*/report.txt"), *PIPELINES.glob("check/*/report.txt")]:
        for code in {problem[2] for problem in _PROBLEM.finditer(report.read_text(encoding="utf-8"))}:
            found[code].append(report.parent)
    return found


def _length(case: Path) -> int:
    """How long the document of a case is; the shortest explains best."""
    return next(case.glob("pipeline.*")).stat().st_size


def _example(case: Path, code: str) -> Iterator[str]:
    document = next(case.glob("pipeline.*"))
    found = [problem for problem in _PROBLEM.finditer(_report(case)) if problem[2] == code]
    lines = document.read_text(encoding="utf-8", errors="replace").splitlines()
    shown = _shown(lines, [int(problem[1]) for problem in found if problem[1]])
    if shown:
        yield f"`{document.name}`:\n\n```{document.suffix[1:]}"
        yield from shown
        yield "```\n"
    yield "The report:\n\n```{.text .wrap}"
    yield from (problem[0].removeprefix("  ").replace("\n  ", "\n") for problem in found)
    yield "```\n"


def _shown(lines: list[str], problems: list[int]) -> list[str]:
    """A short document whole, of a longer one what is near its problems, of one that is too wide to read nothing."""
    if any(len(line) > 300 for line in lines):
        return []
    if len(lines) <= LONGEST:
        return lines
    near = sorted(
        {at for line in problems[:6] for at in range(line - 1 - AROUND, line + AROUND) if 0 <= at < len(lines)}
    )
    shown: list[str] = []
    for before, at in zip([-1, *near], near, strict=False):
        shown += ["..."] * (at != before + 1) + [lines[at]]
    return [*shown, "..."] if near and near[-1] < len(lines) - 1 else shown


def _report(case: Path) -> str:
    return (case / "report.txt").read_text(encoding="utf-8")


def _fixes(case: Path, code: str) -> Iterator[str]:
    for problem in _PROBLEM.finditer(_report(case)):
        if problem[2] == code and "\n" in problem[0]:
            yield " ".join(problem[0].split("\n", 1)[1].split())


def _plain(text: str) -> str:
    """The words of a report as Markdown that shows them unchanged."""
    return re.sub(r"([\\`*_{}\[\]<>#|!])", r"\\\1", text)


def _relative(rule: str) -> str:
    """A rule of ``docs/problems.md``, whose links are relative to ``docs/``, one folder deeper."""
    return re.sub(r"\]\((?![a-z]+:)([^)]+)\)", r"](../\1)", rule)


def _subject(code: str) -> tuple[str, str]:
    return next(SUBJECTS[code[:end]] for end in (5, 4, 3) if code[:end] in SUBJECTS)
