"""Cache keys, look-ups, and the reasons for cache misses.  Rules: docs/language/caching.md."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from record_examples import SHA, TRAIN

from airflow_sagemaker_mlops.records.cache.cache import look_up, store_result
from airflow_sagemaker_mlops.records.cache.key import cache_key, is_cacheable
from airflow_sagemaker_mlops.records.cache.why_not import why_not_cached
from airflow_sagemaker_mlops.records.model.step_record import Artifact, CacheOutcome, StepRecord
from airflow_sagemaker_mlops.records.store.folder import FolderStore
from airflow_sagemaker_mlops.steps.catalogue import STEP_TYPES

# A member that each type's request may have beside its key attributes, and that must not count.
BESIDE = {
    "Processing": ("ProcessingResources", "RoleArn", "StoppingCondition", "ProcessingOutputConfig", "NetworkConfig"),
    "Training": ("ResourceConfig", "RoleArn", "StoppingCondition", "OutputDataConfig", "EnableManagedSpotTraining"),
    "Transform": ("TransformOutput", "TransformResources", "MaxConcurrentTransforms", "BatchStrategy"),
    "Tuning": ("WarmStartConfig", "TrainingJobDefinition.RoleArn", "TrainingJobDefinition.ResourceConfig"),
    "AutoML": ("RoleArn", "OutputDataConfig", "AutoMLJobConfig.SecurityConfig"),
    "EMR": ("ExecutionRoleArn",),
}
# The table of the reference, by hand.
COUNTED = {
    "Processing": ("AppSpecification", "Environment", "ProcessingInputs"),
    "Training": (
        "AlgorithmSpecification", "CheckpointConfig", "DebugHookConfig", "DebugRuleConfigurations", "Environment",
        "HyperParameters", "InputDataConfig",
    ),
    "Tuning": (
        "HyperParameterTuningJobConfig", "TrainingJobDefinition.AlgorithmSpecification",
        "TrainingJobDefinition.HyperParameterRanges", "TrainingJobDefinition.InputDataConfig",
        "TrainingJobDefinition.StaticHyperParameters", "TrainingJobDefinition.TuningObjective",
        "TrainingJobDefinitions",
    ),
    "AutoML": (
        "AutoMLJobConfig.CompletionCriteria", "AutoMLJobConfig.CandidateGenerationConfig",
        "AutoMLJobConfig.DataSplitConfig", "AutoMLJobConfig.Mode", "AutoMLJobObjective",
        "InputDataConfig", "ProblemType",
    ),
    "Transform": ("DataProcessing", "Environment", "ModelName", "TransformInput"),
    "ClarifyCheck": (
        "CheckType", "ModelName", "Arguments", "SkipCheck", "RegisterNewBaseline", "ModelPackageGroupName",
        "SuppliedBaselineConstraints",
    ),
    "QualityCheck": ("CheckType", "SkipCheck", "RegisterNewBaseline", "SuppliedBaselineStatistics"),
    "EMR": ("ClusterId", "StepConfig"),
    "Lambda": ("FunctionArn", "Arguments"),
    "Callback": ("SqsQueueUrl", "Arguments"),
}  # fmt: skip


def request_with(path: str, value: Any) -> dict[str, Any]:
    outer, _, inner = path.partition(".")
    return {outer: {inner: {"v": value}} if inner else {"v": value}}


def pairs(table: dict[str, tuple[str, ...]]) -> list[tuple[str, str]]:
    return [(step_type, path) for step_type, paths in table.items() for path in paths]


@pytest.mark.parametrize(("step_type", "path"), pairs(COUNTED))
def test_a_changed_key_attribute_changes_the_key(step_type: str, path: str) -> None:
    assert cache_key(step_type, request_with(path, 1)).key != cache_key(step_type, request_with(path, 2)).key


@pytest.mark.parametrize(("step_type", "path"), pairs(BESIDE))
def test_what_is_no_key_attribute_does_not_change_the_key(step_type: str, path: str) -> None:
    assert cache_key(step_type, request_with(path, 1)) == cache_key(step_type, request_with(path, 2))


@pytest.mark.parametrize("step_type", ["Model", "RegisterModel", "Condition", "Fail", "InferenceComponent", "Lineage"])
def test_types_that_the_service_does_not_cache_are_not_cached(step_type: str) -> None:
    assert not is_cacheable(step_type)


@pytest.mark.parametrize("step_type", sorted(filter(is_cacheable, STEP_TYPES)))
def test_names_and_tags_never_count(step_type: str) -> None:
    entry = STEP_TYPES[step_type]
    named = {key: "n" for key in (entry.name_key, entry.token_key) if key and key != "ModelName"}
    own = {**named, "Tags": [{"Key": "airflow:run_id", "Value": "r"}], "ExperimentConfig": {"TrialName": "t"}}
    assert cache_key(step_type, own) == cache_key(step_type, {})
    if step_type in ("QualityCheck", "ClarifyCheck"):
        assert cache_key(step_type, {"Arguments": own}) == cache_key(step_type, {"Arguments": {}})


def test_the_same_request_of_two_types_has_two_keys() -> None:
    request = {"Environment": {"a": "1"}}
    assert cache_key("Processing", request).key != cache_key("Training", request).key


def test_the_order_of_members_and_empty_ones_do_not_count() -> None:
    one = {"Environment": {"a": "1", "b": "2"}, "HyperParameters": {}}
    assert cache_key("Training", one) == cache_key("Training", {"Environment": {"b": "2", "a": "1"}})


def test_a_rotated_secret_is_no_miss() -> None:
    keys = {cache_key("Training", {"Environment": {"DB_PASSWORD": value}}).key for value in ("one", "two")}
    assert len(keys) == 1


def test_a_rotated_secret_of_a_parameter_is_no_miss_whatever_it_stands_under() -> None:
    secrets = ("correct-horse", "battery-staple")
    keys = {cache_key("Training", {"Environment": {"CONN": s}}, secrets=[s]).key for s in secrets}
    assert keys == {cache_key("Training", {"Environment": {"CONN": "***"}}).key}


def test_a_changed_file_under_the_same_path_counts_only_when_contents_do() -> None:
    request = {"InputDataConfig": [{"ChannelName": "train"}]}
    old, new = (Artifact("s3://b/train", name="train", sha256=digest) for digest in (SHA, SHA[::-1]))
    assert cache_key("Training", request, [old]).key != cache_key("Training", request, [new]).key
    assert cache_key("Training", request, [old]).key == cache_key("Training", request, [old]).key
    assert cache_key("Training", request, [old]).key != cache_key("Training", request).key


KEY = cache_key("Training", TRAIN.request or {})
SUCCESS = replace(TRAIN, cache=CacheOutcome(KEY.key, KEY.attributes, "miss"))


@pytest.mark.parametrize(
    ("expire_after", "outcome"),
    [("P30D", "hit"), ("30d", "hit"), ("T23H", "expired"), ("P1D", "expired"), (None, "hit")],
)
def test_a_success_older_than_expire_after_is_no_hit(folder: FolderStore, expire_after: str, outcome: str) -> None:
    store_result(folder, "daily", "r1", SUCCESS)
    at = datetime(2026, 1, 2, 0, 2, 10, tzinfo=UTC)  # a day after its end, to the second
    assert look_up(folder, "daily", "TrainModel", KEY, expire_after=expire_after, at=at).outcome.result == outcome


@pytest.mark.parametrize("status", ["Failed", "Stopped", "Executing"])
def test_only_successes_are_remembered(folder: FolderStore, status: str) -> None:
    assert not store_result(folder, "daily", "r1", replace(SUCCESS, status=status))
    assert look_up(folder, "daily", "TrainModel", KEY).outcome.result == "miss"


def test_a_hit_is_not_remembered_again_so_that_it_does_not_stay_young(folder: FolderStore) -> None:
    store_result(folder, "daily", "r1", SUCCESS)
    hit = look_up(folder, "daily", "TrainModel", KEY).outcome
    assert not store_result(folder, "daily", "r2", replace(SUCCESS, cache=hit, ended="2026-02-01T00:00:00Z"))


@pytest.mark.parametrize(("dag_id", "step"), [("other", "TrainModel"), ("daily", "Other")])
def test_other_pipelines_and_steps_are_not_searched(folder: FolderStore, dag_id: str, step: str) -> None:
    store_result(folder, "daily", "r1", SUCCESS)
    assert look_up(folder, dag_id, step, KEY).outcome.result == "miss"


@pytest.mark.parametrize("data", [b"", b'{"result": ', b"[]", b"{}"])
def test_a_damaged_entry_is_a_miss_and_is_written_over(folder: FolderStore, data: bytes) -> None:
    folder.write(f"daily/cache/TrainModel/{KEY.key}.json", data)
    assert look_up(folder, "daily", "TrainModel", KEY).outcome.result == "miss"
    assert store_result(folder, "daily", "r1", SUCCESS)
    assert look_up(folder, "daily", "TrainModel", KEY).outcome.result == "hit"


def test_an_entry_copied_from_another_step_is_a_miss(folder: FolderStore) -> None:
    store_result(folder, "daily", "r1", SUCCESS)
    data = folder.read(f"daily/cache/TrainModel/{KEY.key}.json").data  # type: ignore[union-attr]
    folder.write(f"daily/cache/Other/{KEY.key}.json", data)
    assert look_up(folder, "daily", "Other", KEY).outcome.result == "miss"


@pytest.mark.parametrize(("schema", "outcome"), [("1.1", "hit"), ("2.9", "hit"), ("3.0", "miss"), ("", "miss")])
def test_entries_of_every_readable_schema_are_found(folder: FolderStore, schema: str, outcome: str) -> None:
    store_result(folder, "daily", "r1", SUCCESS)
    key = f"daily/cache/TrainModel/{KEY.key}.json"
    entry = json.loads(folder.read(key).data)  # type: ignore[union-attr]
    folder.write(key, json.dumps({**entry, "schema": schema}).encode())
    assert look_up(folder, "daily", "TrainModel", KEY).outcome.result == outcome


def test_a_result_with_a_secret_is_not_kept(folder: FolderStore) -> None:
    request = {"Environment": {"API_KEY": "correct-horse"}}
    for result in ({"Properties": {"Password": "x"}}, {"Properties": {"Note": "correct-horse"}}):
        assert not store_result(folder, "daily", "r1", replace(SUCCESS, request=request, result=result))


def test_a_secret_of_the_run_does_not_get_into_the_cache(folder: FolderStore) -> None:
    for bad in (
        {"result": {"Properties": {"Note": "correct-horse"}}},
        {"outputs": (Artifact("s3://b/correct-horse"),)},
    ):
        assert not store_result(folder, "daily", "r1", replace(SUCCESS, **bad), secrets=["correct-horse"])
    properties = {"Environment": {"CONN": "correct-horse"}}
    assert store_result(folder, "daily", "r1", SUCCESS, properties=properties, secrets=["correct-horse"])
    found = folder.read(f"daily/cache/TrainModel/{KEY.key}.json")
    assert found is not None
    assert b"correct-horse" not in found.data


@pytest.mark.parametrize("wanted", ["all", ["Environment.CONN"]])
def test_masked_properties_are_handed_to_nobody(folder: FolderStore, wanted: Any) -> None:
    properties = {"Environment": {"CONN": "correct-horse"}, "Name": "n"}
    store_result(folder, "daily", "r1", SUCCESS, properties=properties, secrets=["correct-horse"])
    assert look_up(folder, "daily", "TrainModel", KEY, wanted=wanted).outcome.result == "miss"
    assert look_up(folder, "daily", "TrainModel", KEY, wanted=["Name"]).outcome.result == "hit"


def test_an_expire_after_that_is_none_is_reported(folder: FolderStore) -> None:
    with pytest.raises(ValueError, match='"soon" is not a duration'):
        look_up(folder, "daily", "TrainModel", KEY, expire_after="soon")


def marked(result: str, request: dict[str, Any], **more: Any) -> StepRecord:
    inputs = more.pop("counted", None)
    key = cache_key("Training", request, inputs)
    return replace(TRAIN, request=request, cache=CacheOutcome(key.key, key.attributes, result), **more)


def test_why_not_names_the_attribute_with_old_and_new_value() -> None:
    old = marked("miss", {"HyperParameters": {"num_round": "80", "eta": "0.2"}, "ResourceConfig": {"InstanceCount": 1}})
    new = marked(
        "miss", {"HyperParameters": {"num_round": "120", "eta": "0.2"}, "ResourceConfig": {"InstanceCount": 2}}
    )
    assert why_not_cached(old, new) == ["HyperParameters.num_round 80 -> 120."]


def test_why_not_compares_channels_by_name() -> None:
    def channels(*uris: str) -> dict[str, Any]:
        names = ("train", "validation")
        return {
            "InputDataConfig": [
                {"ChannelName": name, "DataSource": {"S3DataSource": {"S3Uri": uri}}}
                for name, uri in zip(names, uris, strict=False)
            ]
        }

    old, new = marked("miss", channels("s3://a", "s3://b")), marked("miss", channels("s3://a", "s3://c"))
    assert why_not_cached(old, new) == ["InputDataConfig.validation.DataSource.S3DataSource.S3Uri s3://b -> s3://c."]


def test_why_not_names_what_changed_under_a_path() -> None:
    old_input, new_input = (
        Artifact("s3://b/train", name="train", objects=count, bytes=1, sha256=digest)
        for count, digest in ((10, SHA), (13, SHA[::-1]))
    )
    old = marked("miss", {}, counted=[old_input], inputs=(old_input,))
    new = marked("miss", {}, counted=[new_input], inputs=(new_input,))
    assert why_not_cached(old, new) == ["3 objects more under train/."]


@pytest.mark.parametrize(
    ("previous", "current", "why"),
    [
        (None, marked("miss", {}), "no earlier run of this step is recorded."),
        (TRAIN, replace(TRAIN, type="Condition", cache=None), "steps of type Condition cannot be cached."),
        (TRAIN, replace(TRAIN, status="NotTaken", cache=None), "it did not run at all: NotTaken."),
        (TRAIN, replace(TRAIN, cache=None), "CacheConfig is not enabled for it."),
        (marked("miss", {}), replace(marked("hit", {}), cache=CacheOutcome(SHA, {}, "hit", "r0")),
         'it was found in the cache: its result is from run "r0".'),
        (marked("miss", {}), marked("expired", {}),
         "every key attribute is the same; the earlier run ended longer ago than ExpireAfter."),
        (marked("miss", {}, status="Failed"), marked("miss", {}),
         "every key attribute is the same, but the earlier step ended Failed."),
    ],
)  # fmt: skip
def test_why_not_says_when_no_attribute_is_to_blame(previous: StepRecord | None, current: StepRecord, why: str) -> None:
    assert why_not_cached(previous, current) == [why]
