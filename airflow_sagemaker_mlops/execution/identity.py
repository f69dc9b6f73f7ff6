"""The identity of a step run, and the names derived from it.

Names are derived, never random: a process without state derives the same name again and finds the job that it created.
The format is that of SageMaker Pipelines, ``pipelines-<execution id>-<step>-<10 characters>``.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass

DIGEST = 10
EXECUTION_ID = 12


@dataclass(frozen=True, slots=True)
class StepIdentity:
    """One attempt at one step of one run.

    pipeline     name of the pipeline (the DAG id, unless the user gave another)
    step         step name as in the document
    task_id      Airflow's task id (differs from ``step`` inside task groups)
    try_number   counts every attempt, as Airflow does
    generation   changes when a user clears the task, and stays the same over retries and crashes; empty if Airflow does
                 not provide it (a task that starts in the triggerer); the journal then distinguishes the two
    run_started  when the run started, ISO 8601 UTC; distinguishes a run from a deleted one with the same id, and from
                 runs of another Airflow deployment
    instance     index of the pipeline's instance if its task group is inside a mapped one, otherwise -1
    group        task group of the pipeline if an earlier pipeline of the DAG has the run's id, otherwise empty
    """

    pipeline: str
    step: str
    dag_id: str
    run_id: str
    task_id: str
    map_index: int = -1
    try_number: int = 1
    generation: str = ""
    run_started: str = ""
    instance: int = -1
    group: str = ""

    @property
    def run_name(self) -> str:
        """The name of this run of the pipeline: each instance of a mapped task group is a separate run."""
        return run_name(self.run_id, self.instance)

    @property
    def execution_id(self) -> str:
        """12 lower-case letters and digits, the same for every step and every attempt of the run."""
        return execution_id(self.dag_id, self.run_name, self.group)

    @property
    def step_digest(self) -> str:
        """Identifies the step in this run, across all its attempts."""
        return digest(self.dag_id, self.run_name, self.task_id, str(self.map_index))

    def tags(self, request_digest: str) -> list[dict[str, str]]:
        """Resource tags that identify a job as this step's own, also for people."""
        pairs = {
            "airflow:step": self.step_digest,
            "airflow:dag_id": self.dag_id,
            "airflow:run_id": self.run_id,
            "airflow:task_id": self.task_id,
            "airflow:map_index": "" if self.instance < 0 else str(self.instance),
            "airflow:generation": self.generation,
            "airflow:run_started": self.run_started,
            "airflow:request": request_digest,
        }
        return [{"Key": key, "Value": tag_value(value)} for key, value in pairs.items() if value]


def run_name(run_id: str, instance: int) -> str:
    """``run_id``, or ``run_id[2]`` for the third instance of a pipeline in a mapped task group."""
    return run_id if instance < 0 else f"{run_id}[{instance}]"


def execution_id(dag_id: str, run_id: str, group: str = "") -> str:
    """12 lower-case letters and digits that identify a run, in the names of everything that it creates.

    group   task group of a pipeline that is not the first in its DAG, which needs a separate id
    """
    return digest(dag_id, run_id, *([group] if group else []))[:EXECUTION_ID]


def digest(*parts: str) -> str:
    """Lower-case base 32 of the SHA-256 of ``parts``, 52 characters of ``[a-z2-7]``."""
    raw = hashlib.sha256("\0".join(parts).encode()).digest()
    return base64.b32encode(raw).decode().rstrip("=").lower()


def resource_name(identity: StepIdentity, ordinal: int, *, prefix: str = "", limit: int = 63) -> str:
    """Name of the ``ordinal``-th resource that this step creates in this run (0 = the first).

    ``prefix`` is a name in the document; like the service, we use it as a prefix.
    """
    unique = digest(identity.step_digest, str(ordinal))[:DIGEST]
    if prefix:
        head = plain(prefix)[: limit - EXECUTION_ID - DIGEST - 2].rstrip("-")
        return f"{head}-{identity.execution_id}-{unique}"
    if limit < 54:
        room = limit - EXECUTION_ID - DIGEST - 2
        return f"{identity.execution_id}-{plain(identity.step)[:room].rstrip('-')}-{unique}"
    return f"pipelines-{identity.execution_id}-{plain(identity.step)[:20].rstrip('-')}-{unique}"


def plain(text: str) -> str:
    """``text`` with each sequence of characters that SageMaker names do not allow replaced with a dash."""
    return re.sub(r"[^a-zA-Z0-9]+", "-", text).strip("-") or "step"


def is_start(tag: str, run_started: str) -> bool:
    """Whether ``tag`` is the run's start as in its jobs' tags; earlier versions wrote whole seconds."""
    return tag in (tag_value(run_started), tag_value(whole_seconds(run_started)))


def whole_seconds(moment: str) -> str:
    """An ISO 8601 time in UTC, without fractions of a second."""
    return re.sub(r"\.\d+(?=Z$)", "", moment)


def tag_value(text: str) -> str:
    """``text`` as a tag value: characters AWS allows, at most 256."""
    return re.sub(r"[^\w\s.:/=+\-@]", "_", text)[:256]
