"""The result of a run: :class:`RunResult`, frozen, with an outcome for each step."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from ..execution.local_executor import PipelineRun, State, StepProgress
from ..execution.secret_masking import mask, without
from ..execution.step_run import StepResult
from ..records.model.secrets import secrets_of_run
from .errors import RunFailed

RunStatus = Literal["Succeeded", "Failed", "CompletedWithFailures", "Stopped"]


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of a run's instances by the user's price list; types without a price are in ``unpriced``."""

    amount: float
    currency: str
    unpriced: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StepOutcome:
    """How a step of a run ended.

    :param state: Succeeded, Failed, Stopped, NotTaken (in or after a branch that is not taken), NotStarted (after a
        failure) or NotSelected
    :param result: the step's result, with secrets unmasked; ``None`` if it did not run or has none
    :param job_name: name of its job, if it has one
    :param started: ISO 8601 UTC, like ``ended``; ``None`` if it did not run
    :param error: why it failed, as a sentence; empty if it did not
    :param report: everything known about its failure, cause first; may be empty
    :param jobs_started: number of jobs started for it, including retries and children of loops
    """

    name: str
    type: str
    state: State
    result: StepResult | None = field(default=None, repr=False)
    job_name: str | None = None
    started: str | None = None
    ended: str | None = None
    error: str = ""
    report: str = field(default="", repr=False)
    jobs_started: int = 0

    @property
    def cause(self) -> str:
        """Why it failed, in one line: the first line of the report, if there is one."""
        return self.report.partition("\n")[0] or self.error

    @property
    def seconds(self) -> float | None:
        """Its duration; ``None`` if it did not run."""
        return seconds_between(self.started, self.ended) if self.ended else None

    @property
    def outputs(self) -> Mapping[str, Any]:
        """Output parameters of a Lambda or Callback step."""
        return (self.result.properties.get("OutputParameters") or {}) if self.result else {}

    @property
    def metrics(self) -> Mapping[str, Any]:
        """Final metrics of a training job, by name."""
        return self._fact("Metrics") or {}

    @property
    def decision(self) -> Mapping[str, Any] | None:
        """The decision of a Condition: ``Outcome``, ``Sentence`` and ``Terms``."""
        found: Mapping[str, Any] | None = self._fact("Decision")
        return found

    @property
    def is_reused(self) -> bool:
        """Whether its result is from an earlier run: from the cache, or reused in a selective run."""
        return bool(self._fact("Reused"))

    def summary(self) -> dict[str, Any]:
        """The step as plain data, for the summary of its run; secrets are not masked yet."""
        return {
            "name": self.name,
            "type": self.type,
            "status": self.state,
            "job_name": self.job_name,
            "started": self.started,
            "ended": self.ended,
            "seconds": None if self.seconds is None else round(self.seconds, 3),
            "reused": self.is_reused,
            "metrics": self.metrics,
            "outputs": self.outputs,
            "error": self.error or None,
        }

    def _fact(self, name: str) -> Any:
        return self.result.facts.get(name) if self.result else None


@dataclass(frozen=True, slots=True)
class RunResult:
    """A run that has ended.

    :param run_id: id under which it is recorded, and with which it can be resumed
    :param status: Succeeded, Failed, CompletedWithFailures (a failure was handled) or Stopped
    :param started: ISO 8601 UTC, like ``ended``
    :param parameters: the values of all parameters, with secrets unmasked
    :param steps: by name, in the order of the definition
    :param stop_cause: why it was stopped from outside; empty if it was not
    :param branches: the branches given for its stubs, by Condition; all of them in a rehearsal
    :param record_uri: location of its record; ``None`` if it was not recorded
    :param record_problem: why it could not be recorded; empty if it was, or if recording is off
    :param cost: by the given price list; ``None`` without one
    """

    pipeline: str
    run_id: str
    status: RunStatus
    started: str
    ended: str
    definition_hash: str
    parameters: Mapping[str, Any] = field(repr=False)
    steps: Mapping[str, StepOutcome] = field(repr=False)
    stop_cause: str = ""
    branches: Mapping[str, str] = field(default_factory=dict)
    record_uri: str | None = None
    record_problem: str = ""
    cost: Cost | None = None
    _secrets: frozenset[str] = field(default=frozenset(), repr=False)

    @property
    def ok(self) -> bool:
        """Whether it succeeded, or every failure was handled."""
        return self.status in ("Succeeded", "CompletedWithFailures")

    @property
    def failed_steps(self) -> tuple[StepOutcome, ...]:
        """The steps that failed or were stopped, in the order of the definition."""
        return tuple(step for step in self.steps.values() if step.state in ("Failed", "Stopped"))

    @property
    def cause(self) -> str:
        """Why it failed or was stopped, in one line; empty if it succeeded."""
        if self.stop_cause:
            return self.stop_cause
        failed = () if self.ok else self.failed_steps
        return f"{failed[0].name} failed: {failed[0].cause}" if failed else ""

    @property
    def jobs_started(self) -> int:
        """The number of jobs started for it."""
        return sum(step.jobs_started for step in self.steps.values())

    def summary(self) -> dict[str, Any]:
        """The run as plain data without secrets, as ``sagemaker-mlops run --summary`` writes it."""
        secrets = self._secrets
        steps = [step.summary() for step in self.steps.values()]
        whole = {
            "pipeline": self.pipeline,
            "run_id": self.run_id,
            "status": self.status,
            "started": self.started,
            "ended": self.ended,
            "definition_hash": self.definition_hash,
            "parameters": dict(mask(dict(self.parameters))),
            "steps": [{**step, **mask({key: step[key] for key in ("outputs", "error")}, {*secrets})} for step in steps],
            "decisions": [
                mask(_decision(step.name, step.decision), {*secrets}) for step in self.steps.values() if step.decision
            ],
            "models": [
                {"step": step.name, "model_package_arn": step.result.arn}
                for step in self.steps.values()
                if step.type == "RegisterModel" and step.result
            ],
            "endpoints": [step.result.name for step in self.steps.values() if step.type == "Endpoint" and step.result],
            "jobs_started": self.jobs_started,
        }
        return dict(without(whole, secrets))

    def raise_for_status(self) -> RunResult:
        """This result.  Raises :class:`RunFailed` if the run did not succeed."""
        if not self.ok:
            raise RunFailed(f'Run {self.run_id} of "{self.pipeline}" is {self.status}: {self.cause}')
        return self


def result_of(
    run: PipelineRun,
    *,
    branches: Mapping[str, str] | None = None,
    record: Mapping[str, Any] | None = None,
    record_uri: str | None = None,
    record_problem: str = "",
) -> RunResult:
    """The result of ``run``, which has ended, and of its sealing."""
    cost = (record or {}).get("totals", {}).get("cost")
    return RunResult(
        pipeline=run.pipeline,
        run_id=run.run_id,
        status=run.status,  # type: ignore[arg-type]  # it has ended, so it is not Executing
        started=run.started,
        ended=run.ended or "",
        definition_hash=run.plan.definition_hash,
        parameters={p.name: run.parameters.get(p.name, p.default) for p in run.plan.parameters},
        steps={name: _outcome(step) for name, step in run.steps.items()},
        stop_cause=run.stop_cause,
        branches=branches or {},
        record_uri=record_uri,
        record_problem=record_problem,
        cost=Cost(cost["amount"], cost["currency"], tuple(cost.get("unpriced", ()))) if cost else None,
        _secrets=frozenset(secrets_of_run(run.plan, run.parameters)),
    )


def _outcome(step: StepProgress) -> StepOutcome:
    result = StepResult.from_json(step.result) if step.result else None
    return StepOutcome(
        name=step.name,
        type=step.type,
        state=step.state,
        result=result,
        job_name=(result.name if result else None) or step.facts.get("name"),
        started=step.started,
        ended=step.ended,
        error=step.error,
        report=step.report,
        jobs_started=step.jobs_started,
    )


def _decision(step: str, decision: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "step": step,
        "outcome": decision["Outcome"],
        "sentence": decision["Sentence"],
        "terms": [{key.lower(): value for key, value in term.items()} for term in decision["Terms"]],
    }


def seconds_between(started: str | None, ended: str | None) -> float:
    """Seconds from ``started``, ISO 8601, until ``ended`` or now; 0.0 if it did not start."""
    if started is None:
        return 0.0
    until = datetime.fromisoformat(ended).timestamp() if ended else time.time()
    return until - datetime.fromisoformat(started).timestamp()
