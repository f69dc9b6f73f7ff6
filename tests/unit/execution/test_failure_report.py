"""The report on a failed job in the task log."""

from __future__ import annotations

import pytest

from airflow_sagemaker_mlops.execution.failure_report import MAX_COMMAND, cause_of_failure, command_of, report

# As the service shows them for the framework images, see errors.py of sagemaker-training-toolkit.
TOOLKIT = (
    "AlgorithmError: ExecuteUserScriptError:\nExitCode 1\n"
    'ErrorMessage "ValueError: no label column\n"\nCommand "/usr/bin/python3 train.py --depth 3", exit code: 1'
)
SEE_LOGS = "AlgorithmError: See job logs for more information"


@pytest.mark.parametrize(
    ("reason", "lines", "cause"),
    [
        (TOOLKIT, [], "ValueError: no label column"),
        (TOOLKIT.replace("\n", " "), [], "ValueError: no label column"),
        (TOOLKIT.replace("ValueError: no label column\n", ""), ["12:00:01 KeyError: 'y'"], "KeyError: 'y'"),
        ('AlgorithmError: X\nErrorMessage "a\nb.c.D: why"\nExtraInfo "OOM"\nCommand "p"', [], "b.c.D: why"),
        (f"{SEE_LOGS}, exit code: 1", ["12:00:01 ValueError: x"], "ValueError: x"),
        (
            f"{SEE_LOGS}, exit code: 3",
            ["12:00:01 no data today"],
            "See job logs for more information, exit code: 3",
        ),
        ("ClientError: Data download failed: s3://b/k", ["12:00:01 ValueError: x"], "ClientError: Data download failed: s3://b/k"),
        ("CapacityError: Unable to provision requested ML compute capacity.\nTry later.", [],
         "CapacityError: Unable to provision requested ML compute capacity."),
        ("", [], ""),
    ],
)  # fmt: skip
def test_the_cause_of_a_failed_job_is_one_line(reason: str, lines: list[str], cause: str) -> None:
    assert cause_of_failure(reason, lines) == cause


def test_a_report_begins_with_the_cause_and_ends_with_where_the_whole_log_is() -> None:
    answer = {
        "AppSpecification": {"ContainerEntrypoint": ["python", "prep.py"], "ContainerArguments": ["--day", "a b"]}
    }
    lines = ["12:00:00 begins", "12:00:01 ValueError: no label column"]
    reason = "AlgorithmError: See job logs for more information, exit code: 1"
    told = report(f'Step "Prep": j ended Failed: {reason}', reason, answer, lines, "CloudWatch log group g")
    assert told.splitlines() == [
        "ValueError: no label column",
        f'Step "Prep": j ended Failed: {reason}',
        "Command: python prep.py --day 'a b'",
        "Last lines of its log:",
        "  12:00:00 begins",
        "  12:00:01 ValueError: no label column",
        "Whole log: CloudWatch log group g",
    ]  # fmt: skip


def test_a_command_is_reported_without_its_secrets_and_at_bearable_length() -> None:
    arguments = ["train", "--password", "hunter2hunter2", "--key=value"]
    told = command_of({"AlgorithmSpecification": {"ContainerEntrypoint": ["python"], "ContainerArguments": arguments}})
    assert told.startswith("python train --password")
    assert "hunter2" not in told
    assert command_of({"HyperParameters": {"sagemaker_program": '"train.py"'}}) == "train.py"
    assert command_of({}) == ""
    assert len(command_of({"AppSpecification": {"ContainerEntrypoint": ["x" * 5000]}})) == MAX_COMMAND + 4
