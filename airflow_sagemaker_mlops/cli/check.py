"""``sagemaker-mlops check``: every problem of every file, for people or as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace

from ..definition import examine, placed
from ..definition.model import Step
from ..definition.problem_names import NAMES
from ..definition.problems import PipelineError, Problem, render_problem
from ..steps.policy_values import with_values
from ..steps.requests import request_problems
from .compiling import NotCompiled
from .output.terminal import say, say_error, say_json
from .problem_pages import page_of, where_to_read
from .sources import Source
from .stages import NO_STAGE, StageChoice, values_of


def run_check(files: Sequence[Source], *, output: str, strict: bool, stage: StageChoice = NO_STAGE) -> int:
    """Exit code: 0 at most warnings, 1 errors, 2 unusable arguments; ``strict`` makes warnings errors."""
    if output not in ("text", "json"):
        say(f'--format is "{output}"; use text or json.', err=True)
        return 2
    try:
        found = {file.name: problems_of(file) for file in files}
        if stage.is_given:
            found |= _problems_in_stage(files, stage)
    except NotCompiled as error:
        say_error(error)
        return 2
    except ValueError as error:
        say(error, err=True)
        return 2
    if output == "json":
        body = [_as_json(name, problem) for name, problems in found.items() for problem in problems]
        say_json(body)
    else:
        _print_text(found)
    bad = [p for problems in found.values() for p in problems if strict or p.severity == "error"]
    return 1 if bad else 0


def problems_of(file: Source) -> list[Problem]:
    """All problems of ``file`` in line order, warnings included.  Raises :class:`NotCompiled`."""
    try:
        pipeline, problems = examine(file.content, name=file.name)
    except PipelineError as error:
        return list(error.problems)
    readable = replace(pipeline, steps=tuple(step for step in pipeline.steps if not _is_misread(step, problems)))
    problems += placed(request_problems(readable), file.content, name=file.name)
    return sorted(problems, key=lambda p: (p.line or 0, p.column or 0, p.where))


def _problems_in_stage(files: Sequence[Source], choice: StageChoice) -> dict[str, list[Problem]]:
    """{name of the stage's file: problems of its values, and of requests with them that the definitions lack}."""
    try:
        stage = choice.load()
    except PipelineError as error:
        return {error.source: list(error.problems)}
    problems: list[Problem] = []
    for file in files:
        try:
            pipeline = file.load()
        except PipelineError:
            continue  # reported for the file itself
        try:
            values = values_of(stage, file, pipeline)
        except PipelineError as error:
            problems += error.problems
            continue
        known = {(one.code, one.where, one.what) for one in request_problems(pipeline)}
        problems += [
            replace(one, what=f"with these values, in {file.name}: {one.what}")
            for one in request_problems(with_values(pipeline, values))
            if (one.code, one.where, one.what) not in known
        ]
    return {stage.file: problems}


def _is_misread(step: Step, problems: Sequence[Problem]) -> bool:
    """Whether the step's arguments are malformed, so that problems reported for its request would be misleading."""
    return any(
        problem.code.startswith("SM1")
        and problem.severity == "error"
        and (problem.where == step.where or problem.where.startswith(f"{step.where}.Arguments"))
        for problem in problems
    )


def _as_json(file: str, problem: Problem) -> dict[str, object]:
    named = {"code": problem.code, "name": NAMES.get(problem.code, ""), "url": page_of(problem.code)}
    return {"file": file, **named, **asdict(problem)}


def _print_text(found: dict[str, list[Problem]]) -> None:
    for name, problems in found.items():
        for problem in problems:
            kind = "" if problem.severity == "error" else "warning: "
            say(kind + render_problem(name, problem, NAMES.get(problem.code, "")))
    if pages := where_to_read(problem.code for problems in found.values() for problem in problems):
        say(pages)
    total = sum(len(problems) for problems in found.values())
    errors = sum(p.severity == "error" for problems in found.values() for p in problems)
    what = f"{_some(errors, 'error')}, {_some(total - errors, 'warning')}" if total else "no problems"
    say(f"{_some(len(found), 'file')}: {what}.")


def _some(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
