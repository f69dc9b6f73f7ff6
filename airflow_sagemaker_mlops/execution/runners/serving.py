"""x-serving-check and x-smoke-test: real records answered, by a model before it gets traffic and by an endpoint after.

A serving check is a transform job: AWS starts the model's own container with its own data and sends it the records,
and there is nothing to clean up afterwards.  A smoke test calls InvokeEndpoint.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from ...aws_errors import error_code, error_message
from ...definition.expressions import parse_value
from ...s3 import pages, split_uri
from ..answers import Expect, NoAnswer, judge, lines_of
from ..aws.threads import in_thread
from ..describe import address_of
from ..exceptions import StepFailed
from ..request import resolved_arguments, show_request
from ..scope import Unreadable, resolve
from ..step_run import StepResult, StepRun, Submitted, now
from .base import Runner
from .job import JobRunner, ended_well, result_of, submit_job

if TYPE_CHECKING:
    from ...json_types import AwsShape

MAX_FILES = 20  # with records; a check takes a few, not a data set
MAX_INVOCATIONS = 100
TEXT = ("text/csv", "text/plain", "application/jsonlines", "application/x-jsonlines", "text/libsvm")


class ServingCheckRunner(JobRunner):
    """Transforms a few records, and looks at the answers."""

    request_from = "settings"
    adds_properties = True

    async def submit(self, run: StepRun) -> Submitted:
        """The transform job of this attempt; its answers lie in a folder of their own."""
        expect = _expect(run)  # before money is spent

        async def change(arguments: dict[str, Any], name: str) -> dict[str, Any]:
            output = dict(arguments.get("TransformOutput") or {})
            if isinstance(output.get("S3OutputPath"), str):
                output["S3OutputPath"] = f"{output['S3OutputPath'].rstrip('/')}/{name}"
            return {**arguments, "TransformOutput": output}

        return replace(await submit_job(run, change), facts={"expect": asdict(expect)})

    async def follow(self, run: StepRun, job: Submitted) -> StepResult:
        """Wait for the job.  Raises :class:`StepFailed` if it fails, or if its answers are none."""
        answer = await ended_well(run, job, address_of(run, job.name))
        try:
            # The trigger that waits has none of the values that the step's expressions need.
            expect = Expect(**{**job.facts["expect"], "keys": tuple(job.facts["expect"]["keys"])})
            records, sentence = await in_thread(run.aws.key, _judged, run, answer, expect)
        except (NoAnswer, Unreadable) as error:
            raise StepFailed(f'Step "{run.identity.step}": the model cannot serve: {error}.') from None
        run.log(f"{sentence}: the model can serve")
        said = {"Records": records, "Sentence": sentence, "ModelName": answer.get("ModelName") or ""}
        return result_of(run, job.name, {**answer, **said}, started=job.since)


class SmokeTestRunner(Runner):
    """Sends records to an endpoint."""

    request_from = "settings"
    has_default_stub = True  # an endpoint that a stub stands for cannot answer

    async def run(self, run: StepRun) -> StepResult:
        """Invoke the endpoint.  Raises :class:`StepFailed` for the first record that it does not answer well."""
        started, expect = now(), _expect(run)
        arguments = await resolved_arguments(run)
        await show_request(run, arguments)
        for key in ("EndpointName", "Records"):
            if not arguments.get(key) or not isinstance(arguments[key], str):
                raise StepFailed(f'Step "{run.identity.step}": Arguments.{key} is {arguments.get(key)!r}; give a text.')
        try:
            sent, sentence = await in_thread(run.aws.key, _smoke, run, arguments, expect)
        except (NoAnswer, Unreadable) as error:
            where = f"the endpoint {arguments['EndpointName']}"
            raise StepFailed(f'Step "{run.identity.step}": {where} does not serve: {error}.') from None
        run.log(f"{arguments['EndpointName']}: {sentence}")
        properties = {"EndpointName": arguments["EndpointName"], "Records": sent, "Sentence": sentence}
        return result_of(run, arguments["EndpointName"], properties, started=started)


def _expect(run: StepRun) -> Expect:
    try:
        return Expect.of(resolve(parse_value(run.spec.settings.get("Expect"), "Expect"), run.scope, "Expect"))
    except ValueError as error:
        raise StepFailed(f'Step "{run.identity.step}": {error}.') from None


def _judged(run: StepRun, answer: AwsShape, expect: Expect) -> tuple[int, str]:
    """The number of records of a transform job that has ended, and the sentence about its answers.  Blocking."""
    source, target = answer["TransformInput"], answer["TransformOutput"]
    uri = str(source["DataSource"]["S3DataSource"]["S3Uri"])
    by_line = source.get("SplitType") == "Line" and target.get("AssembleWith") == "Line"
    packed = source.get("CompressionType") == "Gzip"
    if source["DataSource"]["S3DataSource"].get("S3DataType") == "ManifestFile" or (packed and by_line):
        raise NoAnswer("its records cannot be counted: give an S3Prefix of files that are not compressed")
    records, answers = 0, []
    folder = f"{str(target['S3OutputPath']).rstrip('/')}/"
    for file, written in answers_by_file(uri, _files(run, uri), folder, _files(run, folder)).items():
        got = run.scope.read_s3(written)
        if by_line:
            records += len(lines_of(run.scope.read_s3(file)))
            answers += lines_of(got)
        else:
            records += 1
            answers.append(got)
    return records, judge(records, answers, expect)


def _files(run: StepRun, uri: str) -> list[str]:
    """URIs of the objects at ``uri`` that are not empty.  Blocking."""
    bucket, prefix = split_uri(uri)
    found: list[str] = []
    for page in pages(run.aws.client("s3").list_objects_v2, Bucket=bucket, Prefix=prefix):
        # empty objects, which consoles make for folders, may fill a page
        found += [f"s3://{bucket}/{row['Key']}" for row in page.get("Contents") or [] if row.get("Size")]
        if len(found) > MAX_FILES:
            raise NoAnswer(f"{uri} has more than {MAX_FILES} objects; a check takes a few records, not a data set")
    return found


def answers_by_file(source: str, files: Sequence[str], folder: str, written: Sequence[str]) -> dict[str, str]:
    """{file: the object that a transform job wrote for it}.

    The job writes ``<folder><path>.out``.  AWS's guide does not say where ``path`` begins, so the beginning that
    answers most files is taken; it is the same for all of them.  In the guide's example, a folder in between is
    missing: files are found by their names alone, too, if all names differ.

    Raises :class:`NoAnswer` for a file without an answer.
    """
    parts = source.split("/")
    bases = ["/".join(parts[:count]) + "/" for count in range(len(parts) - 1, 2, -1)]
    ways = [{file: f"{folder}{file.removeprefix(base)}.out" for file in files} for base in bases]
    by_name = {uri.rpartition("/")[2]: uri for uri in written}
    names = {file: f"{file.rpartition('/')[2]}.out" for file in files}
    if len(by_name) == len(written) and len(set(names.values())) == len(files):
        ways.append({file: by_name.get(name, "") for file, name in names.items()})
    best = max(ways, key=lambda way: len(set(way.values()).intersection(written)), default={})
    if missing := [file for file in files if best.get(file) not in written]:
        raise NoAnswer(f"{missing[0]} has no answer")
    return best


def _smoke(run: StepRun, arguments: Mapping[str, Any], expect: Expect) -> tuple[int, str]:
    """Send the records one by one.  Blocking."""
    client, kind = run.aws.client("sagemaker-runtime"), str(arguments.get("ContentType") or "text/csv")
    records: list[bytes] = []
    for file in _files(run, str(arguments["Records"])):
        content = run.scope.read_s3(file)
        records += lines_of(content) if kind.partition(";")[0].strip() in TEXT else [content]
    members = {key: str(arguments[key]) for key in ("Accept", "TargetVariant") if arguments.get(key)}
    answers: list[bytes] = []
    for number, record in enumerate(records[:MAX_INVOCATIONS], 1):
        try:
            answer = client.invoke_endpoint(
                EndpointName=arguments["EndpointName"], Body=record, ContentType=kind, **members
            )
        except Exception as error:
            if error_code(error) != "ModelError":
                raise
            raise NoAnswer(f"record {number} of {len(records)} failed: {error_message(error)}") from None
        answers.append(answer["Body"].read())
    sentence = judge(min(len(records), MAX_INVOCATIONS), answers, expect)
    return len(answers), sentence if len(answers) == len(records) else f"the first {sentence}, of {len(records):,}"
