"""How updates move traffic; the expected shares are those of the developer guide, "Deployment guardrails"."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_sagemaker_mlops.local_aws.errors import AwsError
from airflow_sagemaker_mlops.local_aws.sagemaker import data_capture, deployments

READY, STARTING = {"status": "InService"}, {"status": "Creating"}
ALARMS = {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "errors"}]}}


def percent(value: int) -> dict[str, Any]:
    return {"Type": "CAPACITY_PERCENT", "Value": value}


def blue_green(kind: str, wait: int = 100, bake: int = 0, **routing: Any) -> dict[str, Any]:
    configuration = {"Type": kind, "WaitIntervalInSeconds": wait, **routing}
    return {
        "BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": configuration, "TerminationWaitInSeconds": bake},
        **ALARMS,
    }


def rolling(batch: dict[str, Any], **rest: Any) -> dict[str, Any]:
    return {"RollingUpdatePolicy": {"MaximumBatchSize": batch, "WaitIntervalInSeconds": 100, **rest}, **ALARMS}


def fleet(instances: int = 10, **more: Any) -> dict[str, Any]:
    variant = {"name": "v", "model": "m", "weight": 1.0, "instances": instances, "serverless": None, "shadow": False}
    return {"generation": 1, "config": "c", "variants": [{**variant, **more}], "capture": None}


@pytest.mark.parametrize(
    ("deployment", "stages"),
    [
        ({}, [(1.0, 0.0)]),
        (blue_green("ALL_AT_ONCE", bake=50), [(1.0, 50.0)]),
        (blue_green("CANARY", bake=50, CanarySize=percent(30)), [(0.3, 100.0), (1.0, 50.0)]),
        (
            blue_green("CANARY", CanarySize={"Type": "INSTANCE_COUNT", "Value": 1}),
            [(0.1, 100.0), (1.0, 0.0)],
        ),
        (
            blue_green("LINEAR", bake=50, LinearStepSize=percent(30)),
            [(0.3, 100.0), (0.6, 100.0), (0.9, 100.0), (1.0, 50.0)],
        ),
        (rolling(percent(50)), [(0.5, 100.0), (1.0, 100.0)]),
    ],
)
def test_traffic_moves_in_the_stages_of_the_policy(deployment: Any, stages: list[tuple[float, float]]) -> None:
    found = deployments.path(deployment, fleet())
    assert [(round(share, 9), wait) for share, wait in found] == stages


def canary(now: float = 0.0) -> deployments.Update:
    return deployments.begin(fleet(), blue_green("CANARY", bake=100, CanarySize=percent(20)), now, speedup=10)


def test_waits_begin_when_the_new_fleet_serves_and_are_divided_by_the_speedup() -> None:
    update, outcome = deployments.advance(canary(), STARTING, "", 50.0)
    assert (deployments.share(update), outcome) == (0.0, "goes on")
    update, _outcome = deployments.advance(update, READY, "", 60.0)
    assert deployments.share(update) == 0.2
    update, _outcome = deployments.advance(update, READY, "", 69.9)
    assert deployments.share(update) == 0.2
    update, outcome = deployments.advance(update, READY, "", 70.0)
    assert (deployments.share(update), outcome) == (1.0, "goes on")
    assert deployments.advance(update, READY, "", 80.0)[1] == "serves"


@pytest.mark.parametrize(("looked", "share"), [(1.0, 0.2), (15.0, 1.0)])
def test_an_alarm_takes_all_traffic_back_also_while_the_old_fleet_waits_for_its_end(
    looked: float, share: float
) -> None:
    update, _outcome = deployments.advance(canary(), READY, "", 0.0)
    update, _outcome = deployments.advance(update, READY, "", looked)
    assert deployments.share(update) == share
    update, outcome = deployments.advance(update, READY, "errors", looked)
    assert (deployments.share(update), outcome) == (0.0, "goes on")
    assert "[errors]" in update["reason"]
    # A rollback does not end because the alarm does.
    assert deployments.advance(update, READY, "", looked + deployments.ROLLBACK_S)[1] == "rolled back"


def test_a_fleet_that_does_not_start_is_rolled_back_with_its_reason() -> None:
    update, _outcome = deployments.advance(canary(), {"status": "Failed", "failure_reason": "no ping"}, "", 1.0)
    assert (update["back"], update["reason"], deployments.share(update)) == (True, "no ping", 0.0)


def test_a_rolling_update_goes_back_in_its_batches() -> None:
    update = deployments.begin(fleet(), rolling(percent(50), RollbackMaximumBatchSize=percent(50)), 0.0, speedup=100)
    update, _outcome = deployments.advance(update, READY, "", 0.0)
    update, _outcome = deployments.advance(update, READY, "", 1.0)
    assert deployments.share(update) == 1.0
    update, _outcome = deployments.advance(update, READY, "errors", 1.5)
    assert deployments.share(update) == 0.5
    update, outcome = deployments.advance(update, READY, "", 2.5)
    assert (deployments.share(update), outcome) == (0.0, "goes on")


@pytest.mark.parametrize(
    ("deployment", "variant", "message"),
    [
        ({**blue_green("ALL_AT_ONCE"), **rolling(percent(50))}, {}, "not both"),
        (blue_green("CANARY"), {}, "CanarySize is required"),
        (blue_green("CANARY", CanarySize=percent(51)), {}, "at most 50 %"),
        (blue_green("CANARY", CanarySize={"Type": "INSTANCE_COUNT", "Value": 6}), {}, "at most 50 %"),
        (blue_green("LINEAR", LinearStepSize=percent(9)), {}, "at least 10 %"),
        (rolling(percent(4)), {}, "at least 5 %"),
        (rolling(percent(10)), {"serverless": {"MemorySizeInMB": 1024}}, "not serverless"),
        (rolling(percent(10), MaximumExecutionTimeoutInSeconds=600), {}, "larger than the sum of the waiting times"),
    ],
)
def test_what_the_service_refuses_is_refused(deployment: Any, variant: Any, message: str) -> None:
    with pytest.raises(AwsError, match=message):
        deployments.check(deployment, fleet(), fleet(**variant))


def test_captured_lines_have_the_form_of_the_developer_guide() -> None:
    capture = {
        "InitialSamplingPercentage": 100,
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"]},
    }
    exchange = data_capture.Exchange("id", b"1,2", "text/csv", b"\x00", "x/y", inference_id="row-1", at=0.0)
    assert data_capture.line(capture, exchange) == (
        '{"captureData": {"endpointInput": {"observedContentType": "text/csv", "mode": "INPUT", "data": "1,2", '
        '"encoding": "CSV"}, "endpointOutput": {"observedContentType": "x/y", "mode": "OUTPUT", "data": "AA==", '
        '"encoding": "BASE64"}}, "eventMetadata": {"eventId": "id", "inferenceId": "row-1", '
        '"inferenceTime": "1970-01-01T00:00:00Z"}, "eventVersion": "0"}'
    )
    key = data_capture.key("/some/prefix/", "e", "v", 3600.0)
    assert key.startswith("some/prefix/e/v/1970/01/01/01/00-00-000-")
