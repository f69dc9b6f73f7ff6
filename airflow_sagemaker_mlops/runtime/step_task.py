"""What the operators of steps and the status task know when their DAG is parsed; a step's trigger gets it, too."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ..definition.expressions import referenced_steps
from ..definition.step_types import syntax_of
from ..hooks.connection import DEFAULT_CONNECTION, NO_CONNECTION, AwsConnection
from ..plan.spec import NO_SPEC, StepSpec

USUAL = "usual"  # stands for the outputs that most steps of a type have
# The text is stored inside JSON, where every double quote costs a backslash; so the two kinds of quotes are swapped.
_SWAPPED = str.maketrans({'"': "'", "'": '"'})


@dataclass(frozen=True, slots=True)
class StepTask:
    """The data of a step operator that is known when the DAG is parsed; its trigger gets nothing else.

    spec                 the step's slice of the definition
    step                 its name if that is not the task id; similarly, pipeline if that is not the DAG id
    reads                {step name: task id} of the steps whose results it needs
    connection           its AWS connection
    max_parallel_steps   maximum number of steps of a run in progress; 0 for no limit
    foreign              task ids of the pipeline's steps that are other packages' operators, if there is a limit
    records              location of the run's record; "" for that of ``[sagemaker_mlops] records``, "off" for none
    mapped               whether its pipeline is inside a mapped task group, so that each instance is a separate run
    group                task group of its pipeline if an earlier pipeline of the DAG has the run's id, otherwise empty
    """

    type: str
    spec: StepSpec = NO_SPEC
    step: str = ""
    pipeline: str = ""
    reads: Mapping[str, str] = field(default_factory=dict)
    connection: AwsConnection = DEFAULT_CONNECTION
    poll_interval_s: float = 30.0
    logs: Literal["end", "live", "off"] = "end"
    max_parallel_steps: int = 0
    foreign: Sequence[str] = ()
    records: str = ""
    mapped: bool = False
    group: str = ""

    def to_json(self) -> str:
        """Compact text without derivable values, because every serialized step contains it."""
        fields: dict[str, Any] = {}
        for name, value in _changed(self, StepTask("")).items():
            fields |= _changed(value, DEFAULT_CONNECTION) if name == "connection" else {name: value}
        fields.pop("type", None)
        fields.pop("spec", None)
        prefix = self._common_prefix()
        if prefix is not None:
            fields.pop("reads", None)  # the spec names the steps
            if prefix:
                fields["prefix"] = prefix
        # The spec's keys are AWS's, in PascalCase, so they cannot collide with ours; the type comes first.
        spec = self.spec.to_json()
        if spec.get("Outputs") == _usual_outputs(self.type):
            spec["Outputs"] = USUAL
        data = {self.type: spec.pop("Arguments", None), **spec, **fields}
        return json.dumps(data, separators=(",", ":"), ensure_ascii=False).translate(_SWAPPED)

    def _common_prefix(self) -> str | None:
        """The common prefix of all task ids before the step's name; ``None`` if ids do not follow the step names."""
        prefix = None
        for step, task_id in self.reads.items():
            if not task_id.endswith(step) or prefix not in (None, task_id.removesuffix(step)):
                return None
            prefix = task_id.removesuffix(step)
        return prefix or ""

    @classmethod
    def from_json(cls, text: str) -> StepTask:
        """The inverse of :meth:`to_json`."""
        data = json.loads(text.translate(_SWAPPED))
        kind = next(iter(data))
        arguments = data.pop(kind)
        spec = {key: data.pop(key) for key in list(data) if key[:1].isupper()}
        if spec.get("Outputs") == USUAL:
            spec["Outputs"] = _usual_outputs(kind)
        if arguments is not None:
            spec["Arguments"] = arguments
        prefix = data.pop("prefix", "")
        data.setdefault("reads", {step: prefix + step for step in sorted(referenced_steps(spec))})
        aws = {name: data.pop(name) for name in AwsConnection.__slots__ if name in data}
        return cls(type=kind, spec=StepSpec.from_json(spec), connection=AwsConnection(**aws), **data)


@dataclass(frozen=True, slots=True)
class PipelineSource:
    """A pipeline's data, known when its DAG is parsed, for the record of a run.

    definition   as given to the DAG, with the base folder of relative paths
    pipeline     its name
    group        id of its task group; empty for a DAG
    defaults     parameters whose defaults the DAG file has changed
    records      location of the records, as for ``StepTask``
    outlets      (name, URI) of the assets for locations to which its steps write
    connection   connection of its steps
    mapped       whether it is inside a mapped task group, so that each instance is a separate run
    """

    definition: Any
    folder: Path
    pipeline: str
    group: str
    defaults: Mapping[str, Any]
    records: str
    outlets: tuple[tuple[str, str], ...] = ()
    connection: AwsConnection = NO_CONNECTION
    mapped: bool = False


def _usual_outputs(step_type: str) -> list[str]:
    """The property paths that most readers of such a step reference: what it leaves in S3."""
    return sorted(syntax_of(step_type).left_in_s3)


def _changed(of: Any, defaults: Any) -> dict[str, Any]:
    """The fields whose values differ from ``defaults``."""
    values = {name: getattr(of, name) for name in of.__slots__}
    return {name: value for name, value in values.items() if value != getattr(defaults, name)}
