"""Rehearsals: what ``--stand-ins``, ``--branch`` and ``--all-branches`` ask of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..definition.problems import did_you_mean
from ..execution.stubs.generate import (
    Branch,
    all_branches,
    conditions_of,
    files_at_places,
    made_up,
)
from ..execution.stubs.run import read_file, write_file
from ..plan.model import Plan
from ..steps.catalogue import STEP_TYPES

AUTO = "auto"
ONE_RUN = "--summary holds one run: leave --all-branches out."


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Stand-ins instead of work.

    stand_ins   "auto", or a file; ``None``: the steps do their work
    branches    "Gate=if" or "Gate=else", each for one Condition step
    all         once for every branch
    """

    stand_ins: str | None = None
    branches: Sequence[str] = field(default_factory=tuple)
    all: bool = False

    @property
    def misfit(self) -> str:
        """What is wrong with the options together; empty when nothing is."""
        option = "--branch" if self.branches else "--all-branches" if self.all else ""
        if option and self.stand_ins is None:
            return f"{option} is for rehearsals: add --stand-ins auto, or a file."
        if self.branches and self.all:
            return "--all-branches takes every branch: leave --branch out."
        return ""

    @staticmethod
    def heading(choice: Mapping[str, Branch]) -> str:
        """What one of several runs is."""
        return "Branches: " + (", ".join(f"{name}={branch.lower()}" for name, branch in choice.items()) or "none")

    def choices(self, plan: Plan, values: Mapping[str, Any]) -> list[dict[str, Branch]]:
        """The branches to take, a run each.  Raises ``ValueError`` for a branch that there is not."""
        return all_branches(plan, values) if self.all else [parse_branches(plan, self.branches)]

    def table(
        self, plan: Plan, choice: Mapping[str, Branch], values: Mapping[str, Any], execution: Mapping[str, str]
    ) -> dict[str, Any]:
        """The stand-ins of one run.  Raises ``ValueError`` for a file that cannot be read or does not fit the plan."""
        if self.stand_ins is None:
            return {}
        if self.stand_ins == AUTO:
            return made_up(plan, choice, values, execution)
        table = read_table(plan, self.stand_ins)
        for name, branch in choice.items():
            table[name] = {"Outcome": branch == "If"}
        return table

    def write_files(
        self,
        aws: Any,
        plan: Plan,
        choice: Mapping[str, Branch],
        values: Mapping[str, Any],
        execution: Mapping[str, str],
    ) -> None:
        """Write the files that no step leaves and that the plan reads, where there are none."""
        if self.stand_ins != AUTO:
            return
        for uri, content in files_at_places(plan, execution, choice, values).items():
            bucket, _, key = uri.removeprefix("s3://").partition("/")
            try:
                aws.client("s3").head_object(Bucket=bucket, Key=key)
            except Exception as error:
                if getattr(error, "response", {}).get("ResponseMetadata", {}).get("HTTPStatusCode") != 404:
                    raise
                write_file(aws, uri, content)


def parse_branches(plan: Plan, given: Sequence[str]) -> dict[str, Branch]:
    """``Gate=if`` words as ``{"Gate": "If"}``.  Raises ``ValueError`` with a sentence."""
    conditions = conditions_of(plan)
    branches: dict[str, Branch] = {}
    for word in given:
        name, _, which = word.partition("=")
        side: Branch | None = {"if": "If", "else": "Else"}.get(which.lower())  # type: ignore[assignment]
        if side is None:
            raise ValueError(f'--branch is "{word}": write NAME=if or NAME=else.')
        if name not in conditions:
            there = did_you_mean(name, conditions) or "The pipeline has none."
            raise ValueError(f'--branch is "{word}", and no Condition step is called "{name}". {there}')
        branches[name] = side
    return branches


def read_table(plan: Plan, file: str) -> dict[str, Any]:
    """The stand-ins of a file.

    Raises ``ValueError`` for a file that cannot be read, and for a step, output or property file that there is not.
    """
    table = read_file(Path(file))
    steps: dict[str, tuple[str, Mapping[str, Any]]] = {}
    for task in plan.tasks:
        if task.step_type in STEP_TYPES:  # gates and the status task are no steps
            steps[task.task_id] = task.step_type, task.spec
            steps |= {name: (str(spec.get("Type")), spec) for name, spec in (task.spec.get("Body") or {}).items()}
    for name, entry in table.items():
        known = steps.get(name) or steps.get(name.rpartition("-")[0])
        if name != "*" and known is None:
            raise ValueError(f'{file}: no step is called "{name}". {did_you_mean(name, steps)}'.strip())
        if known is not None:
            _fits(file, name, entry, *known)
    return table


def _fits(file: str, name: str, entry: Mapping[str, Any], kind: str, spec: Mapping[str, Any]) -> None:
    if "Outcome" in entry and kind != "Condition":
        raise ValueError(f'{file}: "{name}" is a {kind} step; only a Condition has an Outcome.')
    if kind == "Condition" and set(entry) - {"Outcome"}:
        raise ValueError(f'{file}: "{name}" is a Condition; its stand-in is {{Outcome: true}}, or false.')
    outputs = (entry.get("Properties") or {}).get("OutputParameters")
    for what, given, key, rows in (
        ("property file", entry.get("PropertyFiles"), "PropertyFileName", spec.get("PropertyFiles")),
        ("output", outputs, "OutputName", spec.get("OutputParameters")),
    ):
        names = [row[key] for row in rows or []]
        for word in given if isinstance(given, Mapping) else ():
            if word not in names:
                there = did_you_mean(str(word), names) or "It has none."
                raise ValueError(f'{file}: step "{name}" has no {what} "{word}". {there}')
