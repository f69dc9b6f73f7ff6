"""x-champion-gate: a processing job that compares two models' predictions, given its program and its rules.

Neither is in the document.  They are put beside the predictions, under names that their contents give, so that they are
written once and the same rules make the same request.  Rules: docs/language/steps/champion-gate.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ...definition.expressions import parse_value
from ...definition.gate_job import (
    DEFAULT_NO_CHAMPION,
    FOLDER,
    IF_NO_CHAMPION_OPTION,
    INPUT,
    OUTPUT,
    REPORT_FILE,
    files_of,
    folder_beside,
    with_program,
)
from ...definition.gate_step import NO_CHAMPION
from ...definition.read.strict_json import NotJson, read_json
from ...definition.step_types import GATE_BRANCHES
from ...registry.champion import champion_of
from ...registry.errors import NoSuchGroup, RegistryError
from ...steps.s3_members import file_in_output
from ..aws.clients import error_code
from ..aws.threads import in_thread
from ..describe import address_of
from ..exceptions import StepFailed
from ..scope import MOST_READ, Unreadable, resolve
from ..step_run import StepResult, StepRun, Submitted
from .job import JobRunner, ended_well, result_of, submit_job

VERDICTS = tuple(GATE_BRANCHES.values())
MOST_TERMS = 100  # rules, one for each slice, that a result carries; the report has all
ABSENT = frozenset({"404", "NoSuchKey", "403", "AccessDenied"})  # without s3:ListBucket what is not there is "denied"


class ChampionGateRunner(JobRunner):
    """Runs the comparison as a job, and gives its verdict."""

    name = "champion_gate"
    request_from = "settings"
    adds_properties = True

    async def submit(self, run: StepRun) -> Submitted:
        """The job of this attempt, with its program and its rules in S3."""
        program = await in_thread(run.aws.key, _program, run)

        async def change(arguments: Mapping[str, object], name: str) -> dict[str, Any]:
            return await in_thread(run.aws.key, _with_program, run, arguments, program, name)

        made = await submit_job(run, change)
        return replace(made, facts={"group": program.group, "champion": program.champion})

    async def follow(self, run: StepRun, job: Submitted) -> StepResult:
        """Wait for the job, then read what it found."""
        answer = await ended_well(run, job, address_of(run, job.name))
        uri = report_uri(answer)
        try:
            report = await in_thread(run.aws.key, _read, run, uri)
        except Unreadable as error:
            raise StepFailed(f'Step "{run.identity.step}": the job left no report that can be read: {error}') from None
        group, champion = (str(job.facts.get(key) or "") for key in ("group", "champion"))
        if group and not champion and report.get("no_champion") is None:
            what = f'the predictions have scores of a champion, and the model package group "{group}" has none'
            fix = "Leave the column out where there is no champion, or approve the version that was scored."
            raise StepFailed(f'Step "{run.identity.step}": {what}: no version of it is approved. {fix}')
        report["champion"] = champion
        run.tell(report["sentence"])
        said = {"Verdict": report["verdict"], "Sentence": report["sentence"], "Report": uri}
        result = result_of(run, job.name, {**answer, **said}, started=job.since)
        return replace(result, facts={**result.facts, "Decision": decision_of(report, uri)})


def decision_of(report: Mapping[str, Any], uri: str) -> dict[str, Any]:
    """``report`` as it is pushed, recorded and shown: as the decision of a Condition, with the whole of its rules."""
    rules = [rule for rule in report.get("rules") or [] if isinstance(rule, Mapping)]
    return {
        "Outcome": report["verdict"] == "promote",
        "Verdict": report["verdict"],
        "Sentence": report["sentence"],
        "Terms": [_term(rule) for rule in rules[:MOST_TERMS]],
        "Report": uri,
        "Rules": [dict(rule) for rule in rules[:MOST_TERMS]],
        **{key.capitalize(): report[key] for key in ("records", "champion", "fingerprint") if report.get(key)},
    }


def _term(rule: Mapping[str, object]) -> dict[str, Any]:
    where = f" ({rule['slice']})" if rule.get("slice") else ""
    return {
        "Text": f"{rule.get('metric', '')}{where}",
        "Op": str(rule.get("must") or "holds"),
        "Left": rule.get("candidate"),
        "Right": rule.get("champion"),
        "Result": rule.get("verdict") == "promote",
    }


def report_uri(answer: Mapping[str, Any]) -> str:
    """Where the job ``answer`` describes left its report."""
    for output in (answer.get("ProcessingOutputConfig") or {}).get("Outputs") or []:
        if output.get("OutputName") == OUTPUT:
            return file_in_output(str(output["S3Output"]["S3Uri"]), REPORT_FILE)
    return ""


def read_report(content: bytes, uri: str) -> dict[str, Any]:
    """The report in ``content``.  Raises :class:`Unreadable`, so that what cannot be read never promotes anything."""
    try:
        report = read_json(content, most_bytes=MOST_READ)
    except NotJson as error:
        raise Unreadable(f"{uri} {error.told()}") from None
    if not isinstance(report, dict) or report.get("verdict") not in VERDICTS:
        raise Unreadable(f"{uri} holds no verdict, which is one of {', '.join(VERDICTS)}")
    return {**report, "sentence": str(report.get("sentence") or "")}


def _read(run: StepRun, uri: str) -> dict[str, Any]:
    return read_report(run.scope.read_s3(uri), uri)


def _resolved(run: StepRun, key: str) -> Any:
    return resolve(parse_value(run.spec.settings.get(key), key), run.scope, key)


@dataclass(frozen=True, slots=True)
class _Program:
    """What the job is to do, with every expression replaced.

    otherwise   the verdict without a champion
    group       the model package group; "" for a step by hand that names none
    champion    ARN of the champion; "" if there is none
    """

    rules: Any
    otherwise: str
    group: str
    champion: str


def _program(run: StepRun) -> _Program:
    """What the step's own keys say.  Blocking.  Raises :class:`StepFailed` for what cannot be meant."""
    from ...gate import rule_problems

    rules, otherwise = _resolved(run, "Rules"), _resolved(run, "NoChampion")
    problems = [f"Rules{one.place}: {one.what} {one.fix}".strip() for one in rule_problems(rules)]
    if otherwise not in (None, *NO_CHAMPION):
        problems.append(f"NoChampion is {otherwise!r}; it is one of {', '.join(NO_CHAMPION)}.")
    if problems:
        raise StepFailed(f'Step "{run.identity.step}": {" ".join(problems)}')
    about = _resolved(run, "Champion") or {}
    group = str(about.get("ModelPackageGroup") or "")
    may_be_missing = str(about.get("GroupMayBeMissing")).lower() == "true"
    champion = _champion(run, group, may_be_missing=may_be_missing) if group else ""
    return _Program(rules, otherwise or DEFAULT_NO_CHAMPION, group, champion)


def _champion(run: StepRun, group: str, *, may_be_missing: bool) -> str:
    """ARN of the champion of ``group``; "" if there is none."""
    try:
        champion = champion_of(run.aws.client, group)
    except NoSuchGroup as error:
        if not may_be_missing:
            way_out = "Create it, or write GroupMayBeMissing: true if the first RegisterModel step is to make it."
            raise StepFailed(f'Step "{run.identity.step}": {error} {way_out}') from None
        champion = None
    except RegistryError as error:
        raise StepFailed(f'Step "{run.identity.step}": {error}') from error
    if champion is None:
        run.tell(f"{group} has no champion")
        return ""
    run.tell(f"the champion of {group} is version {champion.number}")
    return champion.arn


def _with_program(run: StepRun, arguments: dict[str, Any], program: _Program, name: str) -> dict[str, Any]:
    """``arguments`` with the gate's program and its rules, which are in S3 by then, and a place for its report."""
    folder = _folder(run, arguments)
    key = (arguments.get("ProcessingOutputConfig") or {}).get("KmsKeyId")
    files = [_kept(run, f"{folder}/{file}", content, key) for file, content in files_of(program.rules).items()]
    # Without it, the program refuses predictions that have no scores of the champion.
    no_champion = {} if program.champion else {IF_NO_CHAMPION_OPTION: program.otherwise}
    return with_program(arguments, files, program.rules, reports=f"{folder}/reports/{name}", no_champion=no_champion)


def _folder(run: StepRun, arguments: Mapping[str, Any]) -> str:
    """Where the gate keeps what it writes: where ``Job`` says, or beside the predictions."""
    given = (_resolved(run, "Job") or {}).get(FOLDER)
    sources = {one.get("InputName"): one.get("S3Input") or {} for one in arguments.get("ProcessingInputs") or ()}
    predictions = str(sources.get(INPUT, {}).get("S3Uri") or "")
    folder = str(given).rstrip("/") if given else folder_beside(predictions)
    if not folder.startswith("s3://"):
        what = f"Job.{FOLDER} is" if given else "the predictions lie at"
        raise StepFailed(f'Step "{run.identity.step}": {what} "{given or predictions}", which is no place in S3.')
    return folder


def _kept(run: StepRun, uri: str, content: bytes, key: object) -> str:
    """``uri`` with ``content``, written if it is not there; encrypted with ``key`` if there is one.

    Blocking.  The name of the file holds the content's hash, so two that write it at once write the same.
    """
    bucket, _, path = uri.removeprefix("s3://").partition("/")
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
        run.tell(f"wrote {uri}")
    return uri
