"""Step types whose job gives a verdict, such as x-champion-gate, and the standard steps that one stands for.

The step itself becomes a processing job with the image, role and network of the step that wrote what it judges.  Behind
it stand Condition steps on its ``Verdict``, one in the other, so that of its branches one runs.  Their names have a dot
in them (``IsBetter.promote``), which no name in a document may have.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from .conditions import read_conditions
from .expressions import is_expression, kind_of
from .keys import output_names
from .model import Get, JsonGet, Step, walk_expressions
from .problems import Place, did_you_mean, place_text
from .step_types import VERDICT_BRANCHES
from .verdict_job import FOLDER, JOB_KEYS, job_arguments, member_at
from .verdict_kind import Source, VerdictKind
from .verdict_kinds import VERDICT_KINDS

if TYPE_CHECKING:
    from .report import StepReporter

SOURCE_KEYS = ("Step", "Output")


class Branch(NamedTuple):
    """A Condition step that stands for a part of a step with a verdict.

    verdict      what it compares the verdict with
    if_key       the key with the steps that run when they are equal
    else_key     the key with the steps that run otherwise; "" for none, or for the condition ``inner``
    inner        name of the condition inside its Else branch; "" for none
    """

    name: str
    verdict: str
    if_key: str
    else_key: str
    inner: str


def branches_of(item: Mapping[str, object]) -> list[Branch]:
    """The conditions behind the step ``item``, the outermost first.

    One for each list of steps that is given; of three, the last needs none, as nothing else is left.
    """
    verdicts = VERDICT_BRANCHES[str(item["Type"])]
    given = [key for key in verdicts if item.get(key)]
    asked = given if len(given) < len(verdicts) else given[:-1]
    rest = given[len(asked) :]
    names = [f"{item['Name']}.{verdicts[key]}" for key in asked]
    return [
        Branch(
            name=name,
            verdict=verdicts[key],
            if_key=key,
            else_key=rest[0] if rest and key == asked[-1] else "",
            inner=inner,
        )
        for name, key, inner in zip(names, asked, [*names[1:], ""], strict=False)
    ]


def conditions(step: str, verdict: str) -> list[dict[str, Any]]:
    """``Conditions`` that hold when the step's verdict is ``verdict``."""
    return [{"Type": "Equals", "LeftValue": {"Get": f"Steps.{step}.Verdict"}, "RightValue": verdict}]


def side_in_words(condition: str, branch: str) -> tuple[str, str]:
    """How messages call a branch of ``condition``, and what it belongs to; a verdict's in the words of its key."""
    step, _, verdict = condition.rpartition(".")
    if not step:
        return branch, condition
    if branch != "IfSteps":
        return f"the steps for another verdict than {verdict}", step
    return next(key for keys in VERDICT_BRANCHES.values() for key, of in keys.items() if of == verdict), step


def output_path(step: str, output: str) -> str:
    """The property of the step that says where its output lies."""
    return f"Steps.{step}.ProcessingOutputConfig.Outputs['{output}'].S3Output.S3Uri"


def is_output(given: object) -> bool:
    """Whether a source, as it is written or parsed, is the output of a step."""
    return isinstance(given, Mapping) and not is_expression(given)


def raw_steps(
    item: Mapping[str, Any], steps: Mapping[str, Mapping[str, Any]]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(name, step as a document would have it) of all that ``item`` stands for, without nested steps.

    steps   the steps of the document by name, as written
    """
    kind = VERDICT_KINDS[item["Type"]]
    own = {key: value for key, value in item.items() if key not in kind.branches}
    written_by = steps[item[next(iter(kind.sources))]["Step"]]["Arguments"]
    own |= kind.implied(item)
    yield item["Name"], {**own, "Arguments": job_arguments(written_by, item.get("Job") or {}, inputs_of(item))}
    for branch in branches_of(item):
        name = {"Name": branch.name, "Type": "Condition"}
        yield branch.name, {**name, "Arguments": {"Conditions": conditions(item["Name"], branch.verdict)}}


def inputs_of(item: Mapping[str, Any]) -> dict[str, Any]:
    """{name of an input of the job of ``item``: where it lies}, as written."""
    given = ((source.input, item.get(key)) for key, source in VERDICT_KINDS[item["Type"]].sources.items())
    return {
        name: {"Get": output_path(value["Step"], value["Output"])} if is_output(value) else value
        for name, value in given
        if value is not None
    }


# -- reading ---------------------------------------------------------------------------------------------------------


def read_verdict_step(
    parser: StepReporter, item: Mapping[str, object], place: Place, step: Step, depth: int
) -> tuple[str, ...]:
    """Add the conditions behind ``step``, with all that is nested in them, to the steps; the outermost one's name."""
    kind = VERDICT_KINDS[step.type]
    _own_keys(parser, kind, item, place, step.name)
    lists = {key: item[key] for key in kind.branches if isinstance(item.get(key), list)}
    for key in kind.branches:
        parser.reader.wanted(item.get(key), list, (place, key), "a list of steps")
    if not any(lists.values()) and kind.is_silent(item):
        what = f'no step depends on the verdict of "{step.name}": it has none of {", ".join(kind.branches)}.'
        parser.report("SM312", place, what, f"Add one, or let a Condition read Steps.{step.name}.Verdict.", warn=True)
    branches = branches_of({"Name": step.name, "Type": step.type, **lists})
    return _Conditions(parser, step, place, lists).add(branches, step, depth + 1)


@dataclass(frozen=True, slots=True)
class _Conditions:
    """Adds the conditions of one step to what the parser has read; ``lists`` has the steps of its branches by key."""

    parser: StepReporter
    step: Step
    place: Place
    lists: Mapping[str, Any]

    def add(self, branches: list[Branch], nest: Step, depth: int) -> tuple[str, ...]:
        """Add the outermost of ``branches``, nested like ``nest``, and all that is in it; its name."""
        if not branches:
            return ()
        branch, parser, step = branches[0], self.parser, self.step
        here = (self.place, branch.if_key)
        index = len(parser.steps)
        before = len(parser.reader.references)
        nodes = read_conditions(conditions(step.name, branch.verdict), here, parser.reader)
        condition = Step(
            name=branch.name,
            type="Condition",
            arguments={},
            display_name=f"{step.display_name or step.name}: {branch.verdict}?",
            conditions=nodes,
            parent=nest.parent,
            branch=nest.branch,
            references=parser.keep_references(index, before),
            where=place_text(here),
        )
        parser.steps.append(condition)  # nested steps come behind it
        if_steps = parser.nested(self.lists[branch.if_key], here, branch.name, "IfSteps", depth)
        if branch.else_key:
            below = (self.place, branch.else_key)
            else_steps = parser.nested(self.lists[branch.else_key], below, branch.name, "ElseSteps", depth)
        else:
            inside = replace(step, parent=branch.name, branch="ElseSteps")
            else_steps = self.add(branches[1:], inside, depth + 1)
        parser.steps[index] = replace(condition, if_steps=if_steps, else_steps=else_steps)
        return (branch.name,)


def _own_keys(parser: StepReporter, kind: VerdictKind, item: Mapping[str, object], place: Place, name: str) -> None:
    """Report what is wrong with the step's keys, but for the steps and outputs that they name."""
    for key, way_out in kind.not_taken.items():
        if item.get(key) is not None:
            what = f'"{name}" is a {kind.noun}, which takes no "{key}".'
            parser.report("SM310", (place, key), what, way_out.format(name=name))
    for key, source in kind.sources.items():
        _source(parser, kind, (key, source), item, place)
    job = item.get("Job")
    if parser.reader.wanted(job, Mapping, (place, "Job"), "an object"):
        known = frozenset((*JOB_KEYS, FOLDER))
        parser.unknown_keys(job, known, (place, "Job"), f"Job of a {kind.noun}", ours=True)
    kind.keys(parser, item, place, name)


def _source(
    parser: StepReporter, kind: VerdictKind, named: tuple[str, Source], item: Mapping[str, Any], place: Place
) -> None:
    key, source = named
    given, here = item.get(key), (place, key)
    if given is None:
        if source.needed:
            example = ", ".join(f"{member}: ..." for member in SOURCE_KEYS)
            what = f'step "{item.get("Name")}" has no "{key}".'
            parser.report("SM121", place, what, f'Add "{key}": {{{example}}}.')
        return
    if source.anywhere and is_expression(given):
        return
    if source.anywhere and isinstance(given, str):
        if not given.startswith("s3://"):
            what = f"{kind_of(given)} is not an S3 location."
            parser.report(kind.wrong_source[0], here, what, "Write s3://bucket/key, or {Step: ..., Output: ...}.")
        return
    if not parser.reader.wanted(given, Mapping, here, "an object"):
        return
    parser.unknown_keys(given, frozenset(SOURCE_KEYS), here, f"{key} of a {kind.noun}", ours=True)
    for member in SOURCE_KEYS:
        if given.get(member) is None:
            parser.report("SM121", here, f'"{member}" is missing.', f'Add "{member}".')
        else:
            parser.reader.wanted(given[member], str, (here, member), "a name")


def inherit(parser: StepReporter) -> None:
    """Give the jobs of all steps with a verdict what they have of the steps that they read, wherever those stand."""
    steps = {step.name: step for step in reversed(parser.steps)}
    for index, (step, place) in parser.verdict_steps.items():
        kind = VERDICT_KINDS[step.type]
        before = len(parser.reader.references)
        writers: list[Step] = []
        inputs: dict[str, Any] = {}
        for key, source in kind.sources.items():
            given: Any = step.settings.get(key)
            if not is_output(given):
                inputs |= {} if given is None else {source.input: given}
                continue
            writer = _writer(parser, steps, kind, given, (place, key))
            if writer is not None:
                writers.append(writer)
                path = output_path(writer.name, given["Output"])
                inputs[source.input] = parser.reader.value({"Get": path}, (place, key))
        own = parser.keep_references(index, before)
        if kind.first.input not in inputs or not writers:
            continue
        given_job = step.settings.get("Job")
        job = given_job if isinstance(given_job, Mapping) else {}
        arguments = job_arguments(writers[0].arguments, job, inputs)
        _has_role_and_image(parser, arguments, place, step.name, writers[0])
        found = (one for one in walk_expressions(arguments) if isinstance(one, Get | JsonGet))
        references = tuple(dict.fromkeys((*step.references, *own, *found)))
        parser.steps[index] = replace(step, arguments=arguments, references=references)


def _writer(
    parser: StepReporter, steps: Mapping[str, Step], kind: VerdictKind, given: Mapping[str, object], here: Place
) -> Step | None:
    """The step that writes the output ``given``; reports what is no such step, or no output of it."""
    name, output = given.get("Step"), given.get("Output")
    if not isinstance(name, str) or not isinstance(output, str):
        return None  # reported already
    code, reads, way_out = kind.wrong_source
    step = steps.get(name)
    if step is None:
        parser.report(code, (here, "Step"), f'no step is called "{name}".', did_you_mean(name, steps))
        return None
    if step.type != "Processing":
        what = f'"{name}" is a {step.type} step; a {kind.noun} {reads} a Processing step.'
        parser.report(code, (here, "Step"), what, way_out)
        return None
    known = [one for _, one in output_names(step)]
    if output not in known and all(isinstance(one, str) for one in known):  # others are known at run time only
        what = f'step "{name}" has no output "{output}".'
        parser.report(code, (here, "Output"), what, did_you_mean(output, known))
        return None
    return step


def _has_role_and_image(
    parser: StepReporter, arguments: Mapping[str, object], place: Place, name: str, source: Step
) -> None:
    for key in ("ImageUri", "RoleArn"):
        if member_at(arguments, JOB_KEYS[key]) is None:
            what = f'the job of "{name}" has no {key}: step "{source.name}", whose output it reads, has none.'
            parser.report("SM313", place, what, f'Write {key} under "Job".')
