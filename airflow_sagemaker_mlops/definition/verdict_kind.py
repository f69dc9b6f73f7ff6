"""What sets a step type with a verdict apart from the others of its kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .problems import Place
from .step_types import VERDICT_BRANCHES
from .verdict_job import REPORT_FILE, Program

if TYPE_CHECKING:
    from .report import StepReporter


@dataclass(frozen=True, slots=True)
class Source:
    """A key that says what the job reads: ``{Step: name, Output: name}`` of a Processing step.

    input      name of the job's input, and of the program's option
    needed     whether it has to be given
    anywhere   whether an S3 URI or an expression may stand in place of a step's output
    """

    input: str
    needed: bool = True
    anywhere: bool = False


@dataclass(frozen=True, slots=True)
class VerdictKind:
    """A step type whose job judges.

    type          as documents have it
    noun          as messages call it, e.g. champion gate
    program       short name: of the program's file, and of the property file on the service
    folder        of what it keeps in S3, beside what it reads
    sources       what the job reads; it has the image and the role of the step of the first
    wrong_source  for a source that names no Processing step: code, "reads the predictions of", fix
    not_taken     {step key that it refuses: the fix, with {name} for the step's name}
    keys          reports problems of its other keys
    implied       keys that follow from the steps for its verdicts, which a run does not know
    is_silent     whether its verdict has no effect if no step depends on it
    program_of    the program for its keys, as they are written or resolved
    archive       bytes of the program
    contradiction how a report that lets the run go on contradicts itself; "" if it does not
    files         {property: file in the job's output whose S3 URI it is}
    """

    type: str
    noun: str
    program: str
    folder: str
    sources: Mapping[str, Source]
    wrong_source: tuple[str, str, str]
    not_taken: Mapping[str, str]
    keys: Callable[[StepReporter, Mapping[str, Any], Place, str], None]
    implied: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    is_silent: Callable[[Mapping[str, Any]], bool]
    program_of: Callable[[Mapping[str, Any]], Program]
    archive: Callable[[], bytes]
    contradiction: Callable[[Mapping[str, Any]], str]
    files: Mapping[str, str]

    @property
    def branches(self) -> Mapping[str, str]:
        """{key with the steps of a branch: the verdict that it is for}."""
        return VERDICT_BRANCHES[self.type]

    @property
    def verdicts(self) -> tuple[str, ...]:
        """What its report may say."""
        return tuple(self.branches.values())

    @property
    def first(self) -> Source:
        """The source beside which it keeps its files."""
        return next(iter(self.sources.values()))


REPORT = {"Report": REPORT_FILE}
