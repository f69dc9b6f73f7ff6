"""The states of a step's job in the journal; no other module compares or changes states.

A job is anything that a step starts: a SageMaker job, an EMR step, a message to a consumer, a loop over other steps.
The state says what this package's processes have seen and recorded, not AWS's status, which is read again whenever it
matters.  ``docs/decisions`` explains why AWS is the ledger and the journal only an aid.

===================  =====================================================  ===========================================
state                means                                                  written by
===================  =====================================================  ===========================================
SUBMITTING           the create call is about to be made                    every runner, before the call
RUNNING              the job exists, and its handle is known                runners, once the call was answered; a later
                                                                            attempt that continues with the job
SUCCEEDED            the job ended well                                     runners of what has no status in AWS: loops,
                                                                            callbacks, functions, models
FAILED               the job failed; Airflow does not know it yet           runners
FAILURE_REPORTED     Airflow was told, or a retry policy decided: the next  retry policies, workers
                     job is a new one
STOP_REQUESTED       somebody wanted it stopped: the next job is a new one  ``on_kill``, timeouts, Ctrl-C
INTERRUPTED          the process broke off and the attempt is repeated: the triggers, and workers for an attempt of a
                     job may still run                                      trigger that died
===================  =====================================================  ===========================================

Every attempt that submits writes an entry of its own, so SUBMITTING (another job, or the same one again) and RUNNING
(continuing with the job) may follow any state.  :data:`TRANSITIONS` has what else may follow.
"""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType

__all__ = ["TRANSITIONS", "JobState", "TransitionRefused", "check_transition"]


class TransitionRefused(RuntimeError):
    """A transition that is not in the table: a bug in this package, never the user's fault."""


class JobState(StrEnum):
    """The state of a job in the journal."""

    SUBMITTING = "SUBMITTING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    FAILURE_REPORTED = "FAILURE_REPORTED"
    STOP_REQUESTED = "STOP_REQUESTED"
    INTERRUPTED = "INTERRUPTED"

    @property
    def is_submitting(self) -> bool:
        """The create call may have been made, but its response is unknown."""
        return self is JobState.SUBMITTING

    @property
    def is_running(self) -> bool:
        """The job exists, and an attempt waits for its end."""
        return self is JobState.RUNNING

    @property
    def has_succeeded(self) -> bool:
        """The job succeeded."""
        return self is JobState.SUCCEEDED

    @property
    def has_failed(self) -> bool:
        """The job failed, and Airflow does not know it yet."""
        return self is JobState.FAILED

    @property
    def failure_was_reported(self) -> bool:
        """The job failed, and another one will be created."""
        return self is JobState.FAILURE_REPORTED

    @property
    def stop_was_requested(self) -> bool:
        """A stop was requested; whether AWS stopped the job is unknown."""
        return self is JobState.STOP_REQUESTED

    @property
    def was_interrupted(self) -> bool:
        """The attempt was interrupted and is repeated."""
        return self is JobState.INTERRUPTED

    @property
    def is_under_way(self) -> bool:
        """The attempt that wrote this is, as far as known, submitting the job or waiting for it."""
        return self.is_submitting or self.is_running

    @property
    def is_unresolved(self) -> bool:
        """The job has not been seen to end and no stop was requested: a later attempt continues with it."""
        return self.is_under_way or self.was_interrupted

    @property
    def may_still_run(self) -> bool:
        """The job may be running in AWS; a request to stop it may have been refused."""
        return self.is_unresolved or self.stop_was_requested

    @property
    def may_appear_late(self) -> bool:
        """The create call may still be in progress: the job may become visible after a lookup that found nothing."""
        return self.is_submitting or self.was_interrupted

    @property
    def was_accepted(self) -> bool:
        """AWS has accepted the job, or the change to the resource."""
        return self.is_running or self.has_failed

    @property
    def asks_for_another(self) -> bool:
        """The next attempt creates another job in any case."""
        return self.failure_was_reported or self.stop_was_requested


_S = JobState
TRANSITIONS = MappingProxyType(
    {
        _S.SUBMITTING: frozenset(
            {_S.RUNNING, _S.SUCCEEDED, _S.FAILED, _S.FAILURE_REPORTED, _S.STOP_REQUESTED, _S.INTERRUPTED}
        ),
        _S.RUNNING: frozenset({_S.SUCCEEDED, _S.FAILED, _S.STOP_REQUESTED, _S.INTERRUPTED}),
        # A task whose end was lost is retried although its job has ended: its attempt was interrupted, too.
        _S.SUCCEEDED: frozenset({_S.INTERRUPTED}),
        _S.FAILED: frozenset({_S.FAILURE_REPORTED, _S.INTERRUPTED}),
        _S.FAILURE_REPORTED: frozenset(),
        _S.STOP_REQUESTED: frozenset(),
        _S.INTERRUPTED: frozenset({_S.FAILURE_REPORTED, _S.STOP_REQUESTED}),
    }
)
"""{state: states that the same attempt's entry may be advanced to}; every state may be repeated."""


def check_transition(before: JobState, after: JobState) -> None:
    """Raise :class:`TransitionRefused` unless an entry in the state ``before`` may be advanced to ``after``."""
    if after is not before and after not in TRANSITIONS[before]:
        raise TransitionRefused(f"a job that is {before} cannot become {after}.")
