"""The stub results and branches of a run."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..definition.problems import did_you_mean
from ..definition.values import as_text, parse_output
from ..execution.stubs.branches import (
    ANSWERS,
    Branch,
    NoSuchChoice,
    all_branches,
    answers_for,
    chosen,
    conditions_of,
)
from ..execution.stubs.generate import files_at_places, made_up
from ..execution.stubs.run import checked, read_file, write_file
from ..plan.model import Plan
from ..plan.spec import StepSpec
from ..s3 import split_uri
from .errors import Argument, RunError

if TYPE_CHECKING:
    from ..execution.aws.clients import Aws

AUTO = "auto"


@dataclass(frozen=True, slots=True)
class StubOptions:
    """Options for stubs.

    :param stubs: "auto" to generate results, a file, or a table of results by step; ``None`` to run the steps
    :param branches: "if" or "else" by Condition step; the stubs choose the others
    :param all_branches: run once for every branch
    """

    stubs: str | os.PathLike[str] | Mapping[str, Any] | None = None
    branches: Mapping[str, str] = field(default_factory=dict)
    all_branches: bool = False

    def check(self) -> None:
        """Raise :class:`RunError` for incompatible options."""
        given, every = Argument("branches"), Argument("all_branches", python="rehearse()")
        if (self.branches or self.all_branches) and self.stubs is None:
            one = given if self.branches else every
            raise RunError("{one} is for rehearsals: add {stubs}, or a file.", one=one, stubs=Argument("stubs", AUTO))
        if self.branches and self.all_branches:
            raise RunError("{every} takes every branch: leave {given} out.", every=every, given=given)

    @property
    def is_auto(self) -> bool:
        """Whether all results are generated."""
        return isinstance(self.stubs, str) and self.stubs == AUTO

    @staticmethod
    def heading(choice: Mapping[str, Branch]) -> str:
        """The heading of one of several runs."""
        return "Branches: " + (", ".join(f"{name}={branch.lower()}" for name, branch in choice.items()) or "none")

    def choices(self, plan: Plan, values: Mapping[str, object]) -> list[dict[str, Branch]]:
        """The branches to take, one entry per run.

        Raises :class:`RunError` for a branch that does not exist, and for branches that exclude each other.
        """
        if self.all_branches:
            return all_branches(plan, values)
        given = parse_branches(plan, self.branches)
        try:
            chosen(plan, given, values)
        except NoSuchChoice as error:
            raise RunError("{option}: {why}", option=Argument("branches"), why=str(error)) from None
        return [given]

    def table(
        self, plan: Plan, choice: Mapping[str, Branch], values: Mapping[str, object], execution: Mapping[str, str]
    ) -> dict[str, Any]:
        """The stubs of one run.  Raises ``ValueError`` for stubs that cannot be read or do not fit the plan."""
        if self.stubs is None:
            return {}
        if self.is_auto:
            return made_up(plan, choice, values, execution)
        table = read_table(plan, self.stubs)
        declared = {name: (entry.get("Properties") or {}) for name, entry in table.items()}
        for name, answer in answers_for(plan, choice, values, declared).items():
            entry = table.get(name, table.get("*"))
            if entry is not None:  # else the step itself runs
                table[name] = _answering(entry, answer)
        for name, branch in choice.items():
            table[name] = {"Outcome": branch == "If"}
        return table

    def write_files(
        self,
        aws: Aws,
        plan: Plan,
        choice: Mapping[str, Branch],
        values: Mapping[str, object],
        execution: Mapping[str, str],
    ) -> None:
        """Write files that the plan reads and no step creates, if they do not exist."""
        if not self.is_auto:
            return
        for uri, content in files_at_places(plan, execution, choice, values).items():
            bucket, key = split_uri(uri)
            try:
                aws.client("s3").head_object(Bucket=bucket, Key=key)
            except Exception as error:
                if getattr(error, "response", {}).get("ResponseMetadata", {}).get("HTTPStatusCode") != 404:
                    raise
                write_file(aws, uri, content)


def _answering(entry: Mapping[str, Any], answer: Mapping[str, Any]) -> dict[str, Any]:
    """``entry`` with ``answer``; a declared sentence is that of the declared answer."""
    properties = entry.get("Properties") or {}
    if all(properties.get(key) in (None, value) for key, value in answer.items()):
        return {**entry, "Properties": {**properties, **answer}}
    kept = {key: value for key, value in properties.items() if key != "Sentence"}
    return {**entry, "Properties": {**kept, **answer}}


def parse_branches(plan: Plan, given: Mapping[str, str]) -> dict[str, Branch]:
    """``{"Gate": "if"}`` as ``{"Gate": "If"}``.  Raises :class:`RunError`."""
    conditions = conditions_of(plan)
    branches: dict[str, Branch] = {}
    for name, which in given.items():
        words: dict[str, Any] = {"option": Argument("branches"), "word": f"{name}={which}", "name": name}
        side: Branch | None = {"if": "If", "else": "Else"}.get(which.lower())  # type: ignore[assignment]
        if side is None:
            raise RunError('{option} is "{word}": write "if" or "else".', **words)
        if name not in conditions:
            there = did_you_mean(name, conditions) or "The pipeline has none."
            what = '{option} is "{word}", and no Condition step is called "{name}". {there}'
            raise RunError(what, there=there, **words)
        branches[name] = side
    return branches


def read_table(plan: Plan, given: str | os.PathLike[str] | Mapping[str, Any]) -> dict[str, Any]:
    """The stubs of a file, or of a table.

    Raises ``ValueError`` for a file that cannot be read, and for a step, output or property file that does not exist.
    """
    file = "stubs" if isinstance(given, Mapping) else os.fspath(given)
    table = checked(given, file) if isinstance(given, Mapping) else read_file(Path(given))
    steps: dict[str, tuple[str, StepSpec]] = {}
    for task in plan.tasks:
        if task.is_step:
            steps[task.task_id] = task.step_type, task.spec
            steps |= {name: (step.type, step.spec) for name, step in task.spec.body.items()}
    for name, entry in table.items():
        known = steps.get(name) or steps.get(name.rpartition("-")[0])
        if name != "*" and known is None:
            raise ValueError(f'{file}: no step is called "{name}". {did_you_mean(name, steps)}'.strip())
        if known is not None:
            _fits(file, name, entry, *known)
    return table


def _fits(file: str, name: str, entry: Mapping[str, Any], kind: str, spec: StepSpec) -> None:
    if "Outcome" in entry and kind != "Condition":
        raise ValueError(f'{file}: "{name}" is a {kind} step; only a Condition has an Outcome.')
    if kind == "Condition" and set(entry) - {"Outcome"}:
        raise ValueError(f'{file}: "{name}" is a Condition; its stub is {{Outcome: true}}, or false.')
    _is_possible(file, name, entry, kind)
    outputs = (entry.get("Properties") or {}).get("OutputParameters")
    for what, given, declared in (
        ("property file", entry.get("PropertyFiles"), spec.property_files),
        ("output", outputs, spec.output_parameters),
    ):
        names = [one.name for one in declared]
        for word in given if isinstance(given, Mapping) else ():
            if word not in names:
                there = did_you_mean(str(word), names) or "It has none."
                raise ValueError(f'{file}: step "{name}" has no {what} "{word}". {there}')
    for output, kind_of_output in {one.name: one.type for one in spec.output_parameters}.items():
        value = (outputs or {}).get(output)
        try:
            if value is not None:
                parse_output(value, kind_of_output, output)
        except ValueError as error:
            raise ValueError(f'{file}: the stub of "{name}" has a wrong value: {error}') from None


def _is_possible(file: str, name: str, entry: Mapping[str, Any], kind: str) -> None:
    """Refuse an answer that the step never gives: no Condition would take a branch for it."""
    possible = ANSWERS.get(kind, ())
    for key, value in (entry.get("Properties") or {}).items():
        known = [one[key] for one in possible if key in one]
        if known and not any(value is one or (value == one and type(value) is type(one)) for one in known):
            words = ", ".join(as_text(one) for one in known)
            raise ValueError(f'{file}: the stub of "{name}" has the {key} {as_text(value)!r}; it is one of {words}.')
