"""Rules about the names in a parsed pipeline.  Each rule is one function; all of them run, and none raises."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

from ..model import JsonGet, Step
from ..parse import Parsed
from ..problems import MAX_PROBLEMS, Problem, did_you_mean, not_listed, place_text
from .properties import (
    names_stand_once,
    output_names_are_texts,
    property_files_are_outputs,
    property_problems,
)

EXECUTION_VARIABLES = frozenset(
    {
        "PipelineExecutionId",
        "PipelineExecutionArn",
        "PipelineName",
        "PipelineArn",
        "StartDateTime",
        "CurrentDateTime",
        "TrainingJobName",
        "ProcessingJobName",
    }
)
# {variable: the types of the steps that start such a job and know its name}
JOB_NAMES = {
    "TrainingJobName": frozenset({"Training"}),
    "ProcessingJobName": frozenset({"Processing", "QualityCheck", "ClarifyCheck", "x-champion-gate", "x-drift-check"}),
}
EXPERIMENT = ("ExperimentName", "TrialName")
WHOLE = frozenset({"Parameters", "Execution", "PipelineExperimentConfig"})  # roots whose values are scalars
Check = Callable[[Parsed], Iterator[Problem]]


def step_names_are_unique(parsed: Parsed) -> Iterator[Problem]:
    """A step name is unique in the whole document, branches included."""
    first: dict[str, Step] = {}
    for step in parsed.pipeline.steps:
        if step.name in first:
            other = first[step.name]
            yield Problem(
                "SM202",
                f"{step.where}.Name",
                f'the step name "{step.name}" is already used at {other.where}.',
                "Step names are unique in the whole definition, branches included.",
            )
        else:
            first[step.name] = step


def parameter_names_are_unique(parsed: Parsed) -> Iterator[Problem]:
    """A parameter is declared once."""
    seen: set[str] = set()
    for parameter in parsed.pipeline.parameters:
        if parameter.name in seen:
            yield Problem("SM132", parameter.where, f'parameter "{parameter.name}" is declared twice.', "Keep one.")
        seen.add(parameter.name)


def dependencies_exist(parsed: Parsed) -> Iterator[Problem]:
    """Every ``DependsOn`` entry names another step of the pipeline that is not a Fail step."""
    steps = parsed.pipeline.by_name
    for step in parsed.pipeline.steps:
        for dependency in step.depends_on:
            target = steps.get(dependency.step)
            if target is None:
                what = f'no step is called "{dependency.step}".'
                yield Problem("SM201", dependency.where, what, did_you_mean(dependency.step, steps))
            elif target.type == "Fail":
                what = f'"{dependency.step}" is a Fail step; no step can depend on it.'
                yield Problem("SM206", dependency.where, what)


def triggers_agree(parsed: Parsed) -> Iterator[Problem]:
    """A step waits for another with one trigger only."""
    for step in parsed.pipeline.steps:
        first: dict[str, str] = {}
        for dependency in step.depends_on:
            trigger = first.setdefault(dependency.step, dependency.trigger)
            if trigger != dependency.trigger:
                both = f"{trigger} and {dependency.trigger}"
                what = f'"{step.name}" waits for "{dependency.step}" with two different triggers, {both}.'
                yield Problem("SM213", dependency.where, what, "Keep one of them.")


def references_resolve(parsed: Parsed) -> Iterator[Problem]:
    """Every expression references something that is declared."""
    pipeline = parsed.pipeline
    parameters, steps = pipeline.parameters_by_name, pipeline.by_name
    for index, place, reference in parsed.references:
        if isinstance(reference, JsonGet):
            if reference.step is not None:
                yield from _property_file(reference, place_text(place), steps)
            continue
        if reference.path and reference.root in WHOLE:
            what = f'"{reference.text}": "{reference.root}.{reference.name}" is a single value and has no members.'
            yield Problem("SM211", place_text(place), what, f"Write {reference.root}.{reference.name}.")
        match reference.root:
            case "PipelineExperimentConfig" if reference.name not in EXPERIMENT:
                what = f'there is no "{reference.text}".'
                yield Problem("SM209", place_text(place), what, did_you_mean(reference.name, EXPERIMENT))
            case "Parameters" if reference.name not in parameters:
                what = f'parameter "{reference.name}" is not declared.'
                fix = did_you_mean(reference.name, parameters) or 'Add it to "Parameters".'
                yield Problem("SM204", place_text(place), what, fix)
            case "Execution" if reference.name not in EXECUTION_VARIABLES:
                what = f'there is no execution variable "{reference.name}".'
                yield Problem("SM209", place_text(place), what, did_you_mean(reference.name, EXECUTION_VARIABLES))
            case "Execution" if reference.name in JOB_NAMES:
                if index < 0 or pipeline.steps[index].type not in JOB_NAMES[reference.name]:
                    what = f'"{reference.text}" is undefined here: only the step that starts the job knows its name.'
                    fix = f'Write {{"Get": "Steps.<step>.{reference.name}"}}.'
                    yield Problem("SM209", place_text(place), what, fix, severity="warning")
            case "Steps":
                yield from property_problems(reference, place_text(place), steps)
            case "ForEach" | "IterationOutput":
                from .foreach import loop_reference_problems

                owner = pipeline.steps[index] if index >= 0 else None
                yield from loop_reference_problems(reference, place_text(place), owner, steps)
            case _:
                continue


def _property_file(reference: JsonGet, where: str, steps: dict[str, Step]) -> Iterator[Problem]:
    name = reference.step or ""
    step = steps.get(name)
    if step is None:
        yield Problem("SM205", where, f'no step is called "{name}".', did_you_mean(name, steps))
        return
    files = step.file_names
    if reference.property_file not in files:
        what = f'step "{name}" has no property file "{reference.property_file}".'
        fix = did_you_mean(reference.property_file or "", files) or 'Add it to the step\'s "PropertyFiles".'
        if not files and "PropertyFiles" in step.arguments:
            fix = 'Move its "PropertyFiles" out of "Arguments", to the step itself.'
        yield Problem("SM208", where, what, fix)


def loops_are_closed(parsed: Parsed) -> Iterator[Problem]:
    """Rules about ForEach bodies, imported on demand because few documents have one."""
    if any(step.type == "ForEach" for step in parsed.pipeline.steps):
        from .foreach import bodies_are_closed

        yield from bodies_are_closed(parsed)


def cleaned_steps_exist(parsed: Parsed) -> Iterator[Problem]:
    """The rule about Cleanup steps, imported on demand because few documents have one."""
    if any(step.type == "Cleanup" for step in parsed.pipeline.steps):
        from ..cleanup_arguments import cleaned_steps_exist as rule

        yield from rule(parsed)


def champions_are_compared(parsed: Parsed) -> Iterator[Problem]:
    """Rules of champions and their promotion, which few documents have."""
    if any(step.type in ("x-champion", "x-promote-champion") for step in parsed.pipeline.steps):
        from .champions import champions_are_compared as rule

        yield from rule(parsed)


def graph_has_no_cycle(parsed: Parsed) -> Iterator[Problem]:
    """The steps form no cycle, by DependsOn, references or nesting."""
    upstream = edges_of(parsed)
    state: dict[str, int] = {}
    for start in upstream:
        if start in state:
            continue
        path: list[str] = []
        stack: list[tuple[str, Iterator[str]]] = []
        state[start] = 1
        path.append(start)
        stack.append((start, iter(upstream[start])))
        while stack:
            name, rest = stack[-1]
            following = next(rest, None)
            if following is None:
                state[name] = 2
                path.pop()
                stack.pop()
            elif state.get(following) == 1:
                loop = [*path[path.index(following) :], following]
                where = parsed.pipeline.by_name[name].where
                chain = " needs ".join(f'"{step}"' for step in loop)
                yield Problem("SM203", where, f"steps depend on each other in a cycle: {chain}.")
                return
            elif following not in state:
                state[following] = 1
                path.append(following)
                stack.append((following, iter(upstream[following])))


def edges_of(parsed: Parsed) -> dict[str, list[str]]:
    """{step: the steps it waits for}, without names that do not exist."""
    pipeline = parsed.pipeline
    steps = pipeline.by_name
    upstream: dict[str, list[str]] = {name: [] for name in steps}
    for step in pipeline.steps:
        if step.parent is not None and step.parent in steps:
            upstream[step.name].append(step.parent)
        upstream[step.name].extend(d.step for d in step.depends_on if d.step in steps)
        if step.type == "Cleanup":
            from ..cleanup_arguments import cleaned_steps

            upstream[step.name].extend(name for name in cleaned_steps(step) if name in steps)
    for index, _, reference in parsed.references:
        name = reference.step if isinstance(reference, JsonGet) else reference.name
        if index >= 0 and name in steps and (isinstance(reference, JsonGet) or reference.root == "Steps"):
            upstream[pipeline.steps[index].name].append(name)
    for step in pipeline.steps:
        if step.branch == "ForEachBody" and step.parent in upstream:  # the loop starts when every step of its body can
            outside = [
                name for name in upstream[step.name] if steps[name].parent != step.parent and name != step.parent
            ]
            upstream[step.parent].extend(outside)
    return upstream


def steps_can_run(parsed: Parsed) -> Iterator[Problem]:
    """A step does not wait for both branches of a Condition, by ``DependsOn`` or by a reference."""
    steps = parsed.pipeline.by_name
    if not any(step.if_steps and step.else_steps for step in steps.values()):
        return
    upstream = edges_of(parsed)
    if any(_leaves_a_branch(steps[other], steps[name]) for name, others in upstream.items() for other in others):
        from .branches import steps_can_run as rule

        yield from rule(parsed, upstream)


def _leaves_a_branch(waited_for: Step, step: Step) -> bool:
    nest = (waited_for.parent, waited_for.branch)
    return waited_for.parent is not None and nest != (step.parent, step.branch) and step.parent != waited_for.name


def comparisons_can_be_made(parsed: Parsed) -> Iterator[Problem]:
    """The two sides of a comparison have comparable types; values from a report may have any type."""
    known = [
        (place, one)
        for place, one in parsed.comparisons
        if not isinstance(one.left, JsonGet) and not isinstance(one.right, JsonGet)
    ]
    if known:
        from .comparisons import comparisons_can_be_made as rule

        yield from rule(parsed.pipeline, known)


CHECKS: tuple[Check, ...] = (
    step_names_are_unique,
    parameter_names_are_unique,
    dependencies_exist,
    triggers_agree,
    references_resolve,
    loops_are_closed,
    cleaned_steps_exist,
    champions_are_compared,
    output_names_are_texts,
    names_stand_once,
    property_files_are_outputs,
    graph_has_no_cycle,
    steps_can_run,
    comparisons_can_be_made,
)


def run_checks(parsed: Parsed) -> list[Problem]:
    """All problems that the rules find, up to ``MAX_PROBLEMS`` per rule."""
    problems: list[Problem] = []
    for check in CHECKS:
        found = list(islice(check(parsed), MAX_PROBLEMS + 1))
        if len(found) > MAX_PROBLEMS:
            found[-1] = not_listed(found[-1].severity)
        problems += found
    return problems
