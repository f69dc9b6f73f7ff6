"""What a step operator knows when its DAG is parsed; all that its trigger is given."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

JOURNAL_KEY = "sagemaker_job"
# The text is stored inside JSON, where every quote would cost a backslash; so the two kinds of quotes change places.
_SWAPPED = str.maketrans({'"': "'", "'": '"'})


@dataclass(frozen=True, slots=True)
class StepTask:
    """What an operator knows when the DAG is parsed, and all its trigger is given.

    spec      the step's slice of the plan
    step      its name where that is not the task id; pipeline likewise where it is not the DAG id
    reads     {step name: task id} of the steps whose results it needs
    """

    type: str
    spec: Mapping[str, Any]
    step: str = ""
    pipeline: str = ""
    reads: Mapping[str, str] = field(default_factory=dict)
    aws_conn_id: str | None = "aws_default"
    region_name: str | None = None
    poll_interval_s: float = 30.0
    logs: Literal["end", "live", "off"] = "end"

    def to_json(self) -> str:
        """Compact text; a defaulted field is left out, for it is stored once a step in every serialized DAG."""
        defaults = StepTask("", {})
        values = {name: getattr(self, name) for name in self.__slots__}
        fields = {name: value for name, value in values.items() if value != getattr(defaults, name)}
        # The spec's keys are AWS's, with a capital letter, so they can stand beside ours.
        fields.update(fields.pop("spec", {}))
        if self.reads and all(step == task_id for step, task_id in self.reads.items()):
            fields["reads"] = sorted(self.reads)
        text = json.dumps(fields, separators=(",", ":"), ensure_ascii=False)
        return text.translate(_SWAPPED)

    @classmethod
    def from_json(cls, text: str) -> StepTask:
        """The inverse of :meth:`to_json`."""
        data = json.loads(text.translate(_SWAPPED))
        spec = {key: data.pop(key) for key in list(data) if key[:1].isupper()}
        if isinstance(data.get("reads"), list):
            data["reads"] = {step: step for step in data["reads"]}
        return cls(spec=spec, **data)
