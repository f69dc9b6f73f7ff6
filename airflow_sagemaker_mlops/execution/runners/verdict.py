"""Steps whose job gives a verdict: the job is given its program and its rules, and its report decides.

Neither is in the document.  They are put beside what the job reads, under names that their contents give, so that they
are written once and the same rules make the same request.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

from ...aws_errors import error_code
from ...definition.expressions import parse_value
from ...definition.read.strict_json import NotJson, read_json
from ...definition.verdict_job import FOLDER, OUTPUT, REPORT_FILE, Program, files_of, folder_beside, with_program
from ...definition.verdict_kind import VerdictKind
from ...s3 import split_uri
from ...steps.s3_members import file_in_output
from ..aws.threads import in_thread
from ..describe import address_of
from ..exceptions import StepFailed
from ..scope import MAX_READ, Unreadable, resolve
from ..step_run import StepResult, StepRun, Submitted
from .job import JobRunner, ended_well, result_of, submit_job

if TYPE_CHECKING:
    from ...json_types import AwsShape

ABSENT = frozenset({"404", "NoSuchKey", "403", "AccessDenied"})  # without s3:ListBucket what is not there is "denied"


@dataclass(frozen=True, slots=True)
class Resolved:
    """A program with every expression replaced, and ``facts`` that are kept until its job has ended."""

    program: Program
    facts: Mapping[str, Any] = field(default_factory=dict)


class VerdictRunner(JobRunner):
    """Runs the comparison as a job, and gives its verdict."""

    request_from = "settings"
    adds_properties = True
    kind: ClassVar[VerdictKind]

    @abstractmethod
    def resolved(self, run: StepRun) -> Resolved:
        """What the step's own keys say.  Blocking.  Raises :class:`StepFailed` for what cannot be meant."""

    @abstractmethod
    def decision_of(self, report: Mapping[str, Any], uri: str) -> dict[str, Any]:
        """``report`` as it is pushed, recorded and shown: as the decision of a Condition, with the whole of it."""

    def check(self, run: StepRun, job: Submitted, report: dict[str, Any]) -> None:
        """Raise :class:`StepFailed` for a report that decides nothing; add what ``job`` knows to it."""

    def judged(self, run: StepRun, job: Submitted, report: Mapping[str, Any], result: StepResult) -> StepResult:
        """``result``, or :class:`StepFailed` for a verdict that fails the step."""
        return result

    async def submit(self, run: StepRun) -> Submitted:
        """The job of this attempt, with its program and its rules in S3."""
        resolved = await in_thread(run.aws.key, self.resolved, run)

        async def change(arguments: Mapping[str, object], name: str) -> dict[str, Any]:
            return await in_thread(run.aws.key, self._with_program, run, arguments, resolved.program, name)

        made = await submit_job(run, change)
        return replace(made, facts=dict(resolved.facts))

    async def follow(self, run: StepRun, job: Submitted) -> StepResult:
        """Wait for the job, then read what it found."""
        answer = await ended_well(run, job, address_of(run, job.name))
        uri = file_of(answer, REPORT_FILE)
        try:
            content = await in_thread(run.aws.key, run.scope.read_s3, uri)
            report = read_report(content, uri, self.kind)
        except Unreadable as error:
            raise StepFailed(f'Step "{run.identity.step}": the job left no report that can be read: {error}') from None
        self.check(run, job, report)
        run.log(report["sentence"])
        files = {name: file_of(answer, file) for name, file in self.kind.files.items()}
        said = {"Verdict": report["verdict"], "Sentence": report["sentence"], **files}
        result = result_of(run, job.name, {**answer, **said}, started=job.since)
        result = replace(result, facts={**result.facts, "Decision": self.decision_of(report, uri)})
        return self.judged(run, job, report, result)

    def _with_program(self, run: StepRun, arguments: dict[str, Any], program: Program, name: str) -> dict[str, Any]:
        """``arguments`` with the program and its rules, which are in S3 by then, and a place for its report."""
        folder = self._folder(run, arguments)
        key = (arguments.get("ProcessingOutputConfig") or {}).get("KmsKeyId")
        contents = files_of(self.kind.program, self.kind.archive, program.settings)
        files = [_kept(run, f"{folder}/{file}", content, key) for file, content in contents.items()]
        return with_program(arguments, files, program.options, reports=f"{folder}/reports/{name}")

    def _folder(self, run: StepRun, arguments: Mapping[str, Any]) -> str:
        """Where the step keeps what it writes: where ``Job`` says, or beside what it judges."""
        given = (resolved_key(run, "Job") or {}).get(FOLDER)
        sources = {one.get("InputName"): one.get("S3Input") or {} for one in arguments.get("ProcessingInputs") or ()}
        first = next(iter(self.kind.sources))
        data = str(sources.get(self.kind.first.input, {}).get("S3Uri") or "")
        folder = str(given).rstrip("/") if given else folder_beside(data, self.kind.folder)
        if not folder.startswith("s3://"):
            what = f"Job.{FOLDER} is" if given else f"the {first.lower()} lie at"
            raise StepFailed(f'Step "{run.identity.step}": {what} "{given or data}", which is not an S3 location.')
        return folder


def resolved_key(run: StepRun, key: str) -> Any:
    """The value of a key of the step, with every expression replaced.  Blocking."""
    return resolve(parse_value(run.spec.settings.get(key), key), run.scope, key)


def file_of(answer: AwsShape, file: str) -> str:
    """Where the job that ``answer`` describes left ``file``."""
    for output in (answer.get("ProcessingOutputConfig") or {}).get("Outputs") or []:
        if output.get("OutputName") == OUTPUT:
            return file_in_output(str(output["S3Output"]["S3Uri"]), file)
    return ""


def read_report(content: bytes, uri: str, kind: VerdictKind) -> dict[str, Any]:
    """The report in ``content``.  Raises :class:`Unreadable`, so that what cannot be read never decides anything."""
    try:
        report = read_json(content, most_bytes=MAX_READ)
    except NotJson as error:
        raise Unreadable(f"{uri} {error.predicate()}") from None
    if not isinstance(report, dict) or report.get("verdict") not in kind.verdicts:
        raise Unreadable(f"{uri} holds no verdict, which is one of {', '.join(kind.verdicts)}")
    if contradiction := kind.contradiction(report):
        raise Unreadable(f"{uri} {contradiction}; a report that contradicts itself decides nothing")
    return {**report, "sentence": str(report.get("sentence") or "")}


def _kept(run: StepRun, uri: str, content: bytes, key: object) -> str:
    """``uri`` with ``content``, written if it is not there; encrypted with ``key`` if there is one.

    Blocking.  The name of the file holds the content's hash, so two that write it at once write the same.
    """
    bucket, path = split_uri(uri)
    client = run.aws.client("s3")
    try:
        found = client.head_object(Bucket=bucket, Key=path)["ContentLength"] == len(content)
    except Exception as error:
        if error_code(error) not in ABSENT:
            raise
        found = False
    if not found:
        encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": str(key)} if key else {}
        client.put_object(Bucket=bucket, Key=path, Body=content, **encryption)
        run.log(f"wrote {uri}")
    return uri
