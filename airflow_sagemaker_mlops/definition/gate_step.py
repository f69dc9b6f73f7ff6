"""``Type: x-champion-gate``: its keys, and the standard steps it stands for (docs/language/steps/champion-gate.md).

The gate itself becomes a processing job with the image, role and network of the step that wrote the predictions.
Behind it stand Condition steps on its ``Verdict``, one in the other, so that of its branches one runs.  Their names
have a dot in them (``IsBetter.promote``), which no name in a document may have.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from .conditions import read_conditions
from .expressions import is_expression, kind_of
from .gate_job import FOLDER, JOB_KEYS, job_arguments, member_at
from .location import Place, place_text
from .model import Get, JsonGet, Step, walk_expressions
from .problems import MOST_PROBLEMS, Problem, did_you_mean
from .step_keys import output_names
from .step_types import GATE_BRANCHES

if TYPE_CHECKING:
    from .report import StepReporter

NO_CHAMPION = ("promote", "reject", "approve")
PREDICTIONS_KEYS = frozenset({"Step", "Output"})
CHAMPION_KEYS = frozenset({"ModelPackageGroup", "GroupMayBeMissing"})
# What the gate has no use for, of the keys that every step has.
NOT_OF_GATES = {
    "Arguments": 'The gate makes its request itself; write what it is to change under "Job".',
    "OutputParameters": "Read Steps.{name}.Verdict, Steps.{name}.Sentence or Steps.{name}.Report.",
    "CacheConfig": "A verdict is never taken from an earlier run; leave it out.",
}


class Branch(NamedTuple):
    """A Condition step that stands for a part of a gate.

    verdict      what it compares the gate's verdict with
    if_key       the gate's key with the steps that run when they are equal
    else_key     the gate's key with the steps that run otherwise; "" for none, or for the condition ``inner``
    inner        name of the condition inside its Else branch; "" for none
    """

    name: str
    verdict: str
    if_key: str
    else_key: str
    inner: str


def branches_of(item: Mapping[str, object]) -> list[Branch]:
    """The conditions behind the gate ``item``, the outermost first.

    One for each list of steps that is given; of three, the last needs none, as nothing else is left.
    """
    given = [key for key in GATE_BRANCHES if item.get(key)]
    asked = given if len(given) < len(GATE_BRANCHES) else given[:-1]
    rest = given[len(asked) :]
    names = [f"{item['Name']}.{GATE_BRANCHES[key]}" for key in asked]
    return [
        Branch(
            name=name,
            verdict=GATE_BRANCHES[key],
            if_key=key,
            else_key=rest[0] if rest and key == asked[-1] else "",
            inner=inner,
        )
        for name, key, inner in zip(names, asked, [*names[1:], ""], strict=False)
    ]


def conditions(gate: str, verdict: str) -> list[dict[str, Any]]:
    """``Conditions`` that hold when the gate's verdict is ``verdict``."""
    return [{"Type": "Equals", "LeftValue": {"Get": f"Steps.{gate}.Verdict"}, "RightValue": verdict}]


def side_in_words(condition: str, branch: str) -> tuple[str, str]:
    """How messages call a branch of ``condition``, and what it belongs to: those of a gate in the words of its keys."""
    gate, _, verdict = condition.rpartition(".")
    if not gate:
        return branch, condition
    key = next(key for key, of in GATE_BRANCHES.items() if of == verdict)
    return (key if branch == "IfSteps" else f"the steps for another verdict than {verdict}"), gate


def predictions_path(step: str, output: str) -> str:
    """The property of the step that says where its predictions lie."""
    return f"Steps.{step}.ProcessingOutputConfig.Outputs['{output}'].S3Output.S3Uri"


def raw_steps(
    item: Mapping[str, Any], steps: Mapping[str, Mapping[str, Any]]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(name, step as a document would have it) of all that the gate ``item`` stands for, without nested steps.

    steps   the steps of the document by name, as written
    """
    predictions = item["Predictions"]
    written_by = steps[predictions["Step"]]["Arguments"]
    source = {"Get": predictions_path(predictions["Step"], predictions["Output"])}
    own = {key: value for key, value in item.items() if key not in GATE_BRANCHES}
    yield item["Name"], {**own, "Arguments": job_arguments(written_by, item.get("Job") or {}, source)}
    for branch in branches_of(item):
        name = {"Name": branch.name, "Type": "Condition"}
        yield branch.name, {**name, "Arguments": {"Conditions": conditions(item["Name"], branch.verdict)}}


# -- reading ---------------------------------------------------------------------------------------------------------


def read_gate(
    parser: StepReporter, item: Mapping[str, object], place: Place, gate: Step, depth: int
) -> tuple[str, ...]:
    """Add the conditions behind ``gate``, with all that is nested in them, to the steps; the outermost one's name."""
    _own_keys(parser, item, place, gate.name)
    lists = {key: item[key] for key in GATE_BRANCHES if isinstance(item.get(key), list)}
    for key in GATE_BRANCHES:
        parser.wanted(item.get(key), list, (place, key), "a list of steps")
    if not any(lists.values()):
        what = f'no step depends on the verdict of "{gate.name}": it has none of {", ".join(GATE_BRANCHES)}.'
        parser.report("SM312", place, what, f"Add one, or let a Condition read Steps.{gate.name}.Verdict.", warn=True)
    return _Conditions(parser, gate, place, lists).add(branches_of({"Name": gate.name, **lists}), gate, depth + 1)


@dataclass(frozen=True, slots=True)
class _Conditions:
    """Adds the conditions of one gate to what the parser has read; ``lists`` has the steps of its branches by key."""

    parser: StepReporter
    gate: Step
    place: Place
    lists: Mapping[str, Any]

    def add(self, branches: list[Branch], nest: Step, depth: int) -> tuple[str, ...]:
        """Add the outermost of ``branches``, nested like ``nest``, and all that is in it; its name."""
        if not branches:
            return ()
        branch, parser, gate = branches[0], self.parser, self.gate
        here = (self.place, branch.if_key)
        index = len(parser.steps)
        before = len(parser.reader.references)
        nodes = read_conditions(conditions(gate.name, branch.verdict), here, parser.reader)
        condition = Step(
            name=branch.name,
            type="Condition",
            arguments={},
            display_name=f"{gate.display_name or gate.name}: {branch.verdict}?",
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
            inside = replace(gate, parent=branch.name, branch="ElseSteps")
            else_steps = self.add(branches[1:], inside, depth + 1)
        parser.steps[index] = replace(condition, if_steps=if_steps, else_steps=else_steps)
        return (branch.name,)


def _own_keys(parser: StepReporter, item: Mapping[str, Any], place: Place, name: str) -> None:
    """Report what is wrong with the gate's keys, but for what its ``Predictions`` name and for its rules."""
    for key, way_out in NOT_OF_GATES.items():
        if item.get(key) is not None:
            what = f'"{name}" is a champion gate, which takes no "{key}".'
            parser.report("SM310", (place, key), what, way_out.format(name=name))
    for key, known, needed in (
        ("Champion", CHAMPION_KEYS, ("ModelPackageGroup",)),
        ("Predictions", PREDICTIONS_KEYS, ("Step", "Output")),
        ("Job", frozenset((*JOB_KEYS, FOLDER)), ()),
    ):
        here = (place, key)
        block: Any = item.get(key)
        if block is None and needed:
            example = ", ".join(f"{member}: ..." for member in needed)
            parser.report("SM121", place, f'step "{name}" has no "{key}".', f'Add "{key}": {{{example}}}.')
        if not parser.wanted(block, Mapping, here, "an object"):
            continue
        parser.unknown_keys(block, known, here, f"{key} of a champion gate")
        for member in needed:
            if block.get(member) is None:
                parser.report("SM121", here, f'"{member}" is missing.', f'Add "{member}".')
            elif key == "Predictions":
                parser.wanted(block[member], str, (here, member), "a name")
    chosen = item.get("NoChampion")
    if chosen is not None and not is_expression(chosen) and chosen not in NO_CHAMPION:
        hint = did_you_mean(str(chosen), NO_CHAMPION)
        parser.report("SM122", (place, "NoChampion"), f"{kind_of(chosen)} is no answer to having no champion.", hint)
    rules = item.get("Rules")
    if rules is None or rules == []:
        parser.report("SM121", place, f'step "{name}" has no "Rules".', 'Add "Rules": [{"Metric": "auc", ...}].')
    elif parser.wanted(rules, list, (place, "Rules"), "a list of rules"):
        _rules(parser, rules, place)


def inherit(parser: StepReporter) -> None:
    """Give the jobs of all gates what they have of the steps that their ``Predictions`` name, wherever those stand."""
    steps = {step.name: step for step in reversed(parser.steps)}
    for index, (gate, place) in parser.gates.items():
        predictions = gate.settings.get("Predictions")
        if not isinstance(predictions, Mapping):
            continue
        name: Any = predictions.get("Step")
        output: Any = predictions.get("Output")
        here = (place, "Predictions")
        named = isinstance(name, str) and isinstance(output, str)
        source = _writer(parser, steps, name, output, here) if named else None
        if source is None:
            continue
        before = len(parser.reader.references)
        read = parser.reader.value({"Get": predictions_path(source.name, output)}, here)
        own = parser.keep_references(index, before)
        job = gate.settings.get("Job")
        arguments = job_arguments(source.arguments, job if isinstance(job, Mapping) else {}, read)
        _has_role_and_image(parser, arguments, place, gate.name, source)
        found = (one for one in walk_expressions(arguments) if isinstance(one, Get | JsonGet))
        references = tuple(dict.fromkeys((*gate.references, *own, *found)))
        parser.steps[index] = replace(gate, arguments=arguments, references=references)


def _writer(parser: StepReporter, steps: Mapping[str, Step], name: str, output: str, here: Place) -> Step | None:
    """The step that wrote the predictions; reports what is no such step, or no output of it."""
    step = steps.get(name)
    if step is None:
        parser.report("SM311", (here, "Step"), f'no step is called "{name}".', did_you_mean(name, steps))
        return None
    if step.type != "Processing":
        what = f'"{name}" is a {step.type} step; a champion gate reads the predictions of a Processing step.'
        parser.report("SM311", (here, "Step"), what, "Score both models in one Processing step, and name that.")
        return None
    known = [given for _, given in output_names(step)]
    if output not in known and all(isinstance(given, str) for given in known):  # others are known at run time only
        what = f'step "{name}" has no output "{output}".'
        parser.report("SM311", (here, "Output"), what, did_you_mean(output, known))
        return None
    return step


def _has_role_and_image(
    parser: StepReporter, arguments: Mapping[str, object], place: Place, name: str, source: Step
) -> None:
    for key in ("ImageUri", "RoleArn"):
        if member_at(arguments, JOB_KEYS[key]) is None:
            what = f'the job of "{name}" has no {key}: step "{source.name}", whose predictions it reads, has none.'
            parser.report("SM313", place, what, f'Write {key} under "Job".')


def _rules(parser: StepReporter, rules: list[Any], place: Place) -> None:
    """What the gate itself finds wrong with its rules; values that a run gives are judged in the run."""
    from ..gate import rule_problems

    where = place_text((place, "Rules"))
    found = islice(rule_problems(rules, is_expression), MOST_PROBLEMS)
    parser.reader.problems += [Problem("SM314", where + one.place, one.what, one.fix) for one in found]
