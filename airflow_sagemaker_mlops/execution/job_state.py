"""The states of a step's job as the journal keeps them: the one place that knows them, compares them and changes them.

A job is whatever a step starts: a SageMaker job, an EMR step, a message to a consumer, a loop over other steps.  The
state says what the processes of this package have seen and announced, not what AWS says: that is asked again whenever
it matters.  ``docs/decisions`` explains why the journal is a help and AWS the ledger.

===================  =====================================================  ===========================================
state                means                                                  written by
===================  =====================================================  ===========================================
SUBMITTING           the create call is about to be made                    every runner, before the call
RUNNING              the job exists, and its handle is known                runners, once the call was answered; a later
                                                                            attempt that goes on with the job
SUCCEEDED            the job ended well                                     runners of what has no status in AWS: loops,
                                                                            callbacks, functions, models
FAILED               the job ended badly; Airflow has not been told         runners
FAILURE_REPORTED     Airflow was told, or a retry policy decided: the next  retry policies, workers
                     job is a new one
STOP_REQUESTED       somebody wanted it stopped: the next job is a new one  ``on_kill``, timeouts, Ctrl-C
INTERRUPTED          the process broke off and the attempt is repeated: the triggers, and workers for an attempt of a
                     job may still run                                      trigger that died
===================  =====================================================  ===========================================

Every attempt that submits writes an entry of its own, so SUBMITTING (another job, or the same one again) and RUNNING
(going on with the job) may follow any state.  :data:`TRANSITIONS` has what else may follow.
"""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType

__all__ = ["TRANSITIONS", "JobState", "TransitionRefused", "check_transition"]


class TransitionRefused(RuntimeError):
    """A change of state that the table does not have: a fault of this package, never of its user."""


class JobState(StrEnum):
    """What the journal says of a job."""

    SUBMITTING = "SUBMITTING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    FAILURE_REPORTED = "FAILURE_REPORTED"
    STOP_REQUESTED = "STOP_REQUESTED"
    INTERRUPTED = "INTERRUPTED"

    @property
    def is_submitting(self) -> bool:
        """The create call may have been made, and no answer to it is known."""
        return self is JobState.SUBMITTING

    @property
    def is_running(self) -> bool:
        """The job exists, and an attempt waits for its end."""
        return self is JobState.RUNNING

    @property
    def has_succeeded(self) -> bool:
        """The job ended well."""
        return self is JobState.SUCCEEDED

    @property
    def has_failed(self) -> bool:
        """The job ended badly, and Airflow has not been told."""
        return self is JobState.FAILED

    @property
    def failure_was_reported(self) -> bool:
        """The job ended badly, and another one was decided upon."""
        return self is JobState.FAILURE_REPORTED

    @property
    def stop_was_requested(self) -> bool:
        """Somebody wanted the job stopped; whether AWS did so is not known."""
        return self is JobState.STOP_REQUESTED

    @property
    def was_interrupted(self) -> bool:
        """The attempt broke off and is repeated."""
        return self is JobState.INTERRUPTED

    @property
    def is_under_way(self) -> bool:
        """The attempt that wrote this is submitting the job or waiting for it, as far as anybody knows."""
        return self.is_submitting or self.is_running

    @property
    def is_unresolved(self) -> bool:
        """Nobody has seen the job end, and nobody has asked for its end: a later attempt goes on with it."""
        return self.is_under_way or self.was_interrupted

    @property
    def may_still_run(self) -> bool:
        """The job may run in AWS at this moment; a request to stop it may have been refused."""
        return self.is_unresolved or self.stop_was_requested

    @property
    def may_appear_late(self) -> bool:
        """The create call may not have been answered: the job can become visible after a look that found nothing."""
        return self.is_submitting or self.was_interrupted

    @property
    def was_accepted(self) -> bool:
        """AWS has accepted the job, or the change to the resource."""
        return self.is_running or self.has_failed

    @property
    def asks_for_another(self) -> bool:
        """The next attempt makes another job, whoever it is and whyever it runs."""
        return self.failure_was_reported or self.stop_was_requested


_S = JobState
TRANSITIONS = MappingProxyType(
    {
        _S.SUBMITTING: frozenset(
            {_S.RUNNING, _S.SUCCEEDED, _S.FAILED, _S.FAILURE_REPORTED, _S.STOP_REQUESTED, _S.INTERRUPTED}
        ),
        _S.RUNNING: frozenset({_S.SUCCEEDED, _S.FAILED, _S.STOP_REQUESTED, _S.INTERRUPTED}),
        # A task whose end got lost is tried again, though its job has ended: its attempt was interrupted, too.
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
