"""Who a step run is, and the names that follow from it.

Names are derived, never random: a process that lost its memory derives the same name again and finds the job it made.
The shape is the one SageMaker Pipelines itself uses, ``pipelines-<execution id>-<step>-<10 characters>``.
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
    generation   changes when a user clears the task, and stays over retries and crashes; empty where Airflow does not
                 tell (a task that begins in the triggerer), then the journal tells the two apart
    run_started  when the run began, ISO 8601 UTC; tells a run from a deleted one of the same id, and from another
                 Airflow's
    instance     index of the pipeline's instance, where its task group is inside a mapped one; -1 where it is not
    group        task group of the pipeline, where an earlier pipeline of the DAG has the run's id; else empty
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
        """What this run of the pipeline is called: instances of a mapped task group are runs of their own."""
        return run_name(self.run_id, self.instance)

    @property
    def execution_id(self) -> str:
        """12 lower-case letters and digits, the same for every step and every attempt of the run."""
        return execution_id(self.dag_id, self.run_name, self.group)

    @property
    def step_digest(self) -> str:
        """Identity of the step in this run, over all its attempts."""
        return digest(self.dag_id, self.run_name, self.task_id, str(self.map_index))

    def tags(self, request_digest: str) -> list[dict[str, str]]:
        """Resource tags by which a job is recognised as this step's own, and found by people."""
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
    """12 lower-case letters and digits that stand for a run, in the names of all that it makes.

    group   task group of a pipeline that is not the first of its DAG: each pipeline has an id of its own
    """
    return digest(dag_id, run_id, *([group] if group else []))[:EXECUTION_ID]


def digest(*parts: str) -> str:
    """Lower-case base 32 of the SHA-256 of ``parts``, 52 characters of ``[a-z2-7]``."""
    raw = hashlib.sha256("\0".join(parts).encode()).digest()
    return base64.b32encode(raw).decode().rstrip("=").lower()


def resource_name(identity: StepIdentity, ordinal: int, *, prefix: str = "", limit: int = 63) -> str:
    """Name of the ``ordinal``-th resource that this step of this run makes (0 = the first).

    ``prefix`` is a name the document itself gives: the service uses such a name as a prefix, and so do we.
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
    """``text`` with everything that SageMaker names do not allow turned into a single dash."""
    return re.sub(r"[^a-zA-Z0-9]+", "-", text).strip("-") or "step"


def is_start(tag: str, run_started: str) -> bool:
    """Whether ``tag`` is a run's start as its jobs carry it; earlier versions wrote it in whole seconds."""
    return tag in (tag_value(run_started), tag_value(whole_seconds(run_started)))


def whole_seconds(moment: str) -> str:
    """An ISO 8601 time of UTC without a fraction."""
    return re.sub(r"\.\d+(?=Z$)", "", moment)


def tag_value(text: str) -> str:
    """``text`` as a tag value: characters AWS allows, at most 256."""
    return re.sub(r"[^\w\s.:/=+\-@]", "_", text)[:256]
