"""The page of a model package group."""

from __future__ import annotations

import json
from datetime import timedelta

from index_examples import ARN, BEGIN, HOSTILE, at, entry, gate, model, rule

from airflow_sagemaker_mlops.reports.home_view import home_view
from airflow_sagemaker_mlops.reports.model_view import Registry, groups_of, model_view


def promoted(version: int, number: int, replaced: str = "") -> dict[str, object]:
    verdicts = [gate(rule(), rule(metric="log_loss", goal="minimize"))]
    made = [{"step": "Promote", "arn": ARN.format(version), "at": at(number), "replaced": replaced}]
    served = [{"step": "Deploy", "endpoint": "churn-prod", "at": at(number), "arn": ARN.format(version)}]
    return entry(number, models=[model(version)], promoted=made, deployed=served, verdicts=verdicts)


RUNS = {"daily": [promoted(1, 1), promoted(2, 2, ARN.format(1)), entry(3, models=[model(3, "Rejected")])]}


def row(version: int, status: str, stage: str = "") -> dict[str, object]:
    cycle = {"ModelLifeCycle": {"Stage": stage}} if stage else {}
    return {"ModelPackageArn": ARN.format(version), "ModelApprovalStatus": status, "CreationTime": at(version), **cycle}


def change(number: int, version: int, **by: str) -> dict[str, object]:
    given = {"number": number, "kind": "promotion", "model_package": ARN.format(version), "at": at(number)}
    return {**given, "replaced": ARN.format(version - 1), "by": by, "sentence": "It was better."}


def test_without_the_registry_the_records_say_who_the_champion_is() -> None:
    view = model_view("churn", RUNS, None, "The registry does not answer.")
    assert view["champion"] is not None
    assert (view["champion"]["version"], view["champion"]["word"], view["previous"]) == ("2", "Approved", "1")
    assert [version["version"] for version in view["versions"]] == ["3", "2", "1"]
    assert (view["live"], view["notes"]) == (False, ["The registry does not answer."])
    assert [(one["endpoint"], one["version"]) for one in view["endpoints"]] == [("churn-prod", "2")]
    assert [metric["title"] for metric in view["champion"]["metrics"]] == ["AUC", "log loss"]


def test_the_registry_has_the_last_word() -> None:
    rows = [row(1, "Approved", "Production"), row(2, "Rejected", "Archived"), row(3, "Rejected")]
    back = {**change(3, 1, user="ann"), "kind": "rollback", "replaced": ARN.format(2)}
    registry = Registry(
        rows, ARN.format(1), [back, change(2, 2, dag_id="daily", run_id="run-2")], {"churn-prod": ARN.format(1)}
    )
    view = model_view("churn", RUNS, registry)
    assert view["champion"] is not None
    assert (view["champion"]["version"], view["champion"]["stage"]) == ("1", "Production")
    assert (view["history"][0]["word"], view["history"][0]["user"]) == ("Rolled back to", "ann")
    assert (view["endpoints"][0]["version"], view["endpoints"][0]["changed"]) == ("1", True)
    assert view["versions"][-1]["serves"] == ["churn-prod"]
    assert view["previous"] == ""  # not version 2, which was rolled back


def test_a_rollback_goes_back_past_versions_that_were_rejected_since() -> None:
    rows = [row(1, "Approved"), row(2, "Rejected"), row(3, "Approved")]
    changes = [change(3, 3), change(2, 2), {**change(1, 1), "replaced": ""}]
    view = model_view("churn", RUNS, Registry(rows, ARN.format(3), changes, {}))
    assert view["previous"] == "1"


def test_a_rollback_by_a_run_without_a_record_shows_its_author_and_the_champion_it_restored() -> None:
    by = {"dag_id": "back", "run_id": "manual", "user": "ann"}
    entry_ = {**change(3, 1, **by), "kind": "rollback", "replaced": ARN.format(2)}
    registry = Registry([row(1, "Approved"), row(2, "Rejected")], ARN.format(1), [entry_], {})
    shown = model_view("churn", RUNS, registry, readable=["back"])["history"][0]
    assert (shown["user"], shown["run_id"], shown["sentence"]) == ("ann", "manual", "It was better.")
    assert model_view("churn", RUNS, registry)["history"][0]["user"] == ""
    [champion] = home_view(RUNS, BEGIN, [entry_])["champions"]
    assert (champion["version"], champion["dag_id"], champion["metric"]) == ("1", "back", "")


def test_nothing_of_a_dag_that_the_reader_may_not_see_is_shown() -> None:
    rows = [row(1, "Approved"), row(2, "Approved"), row(4, "Approved")]
    registry = Registry(rows, ARN.format(4), [change(4, 4, dag_id="secret", run_id="s1", user="bea")])
    view = model_view("churn", RUNS, registry)
    text = json.dumps(view)
    assert "secret" not in text
    assert "bea" not in text
    assert view["history"][0]["sentence"] == ""
    assert "1 version was registered by runs without a record, or by DAGs that you may not read" in view["notes"][0]
    assert view["versions"][0]["metrics"] == []


def test_approvals_name_the_person_and_the_last_answer_counts() -> None:
    asked = [
        entry(2, approvals=[{"model": ARN.format(3), "decision": "Rejected", "user": "ann", "at": at(2)}]),
        entry(
            5, approvals=[{"model": ARN.format(3), "decision": "Approved", "user": "bea", "at": at(5), "comment": "ok"}]
        ),
    ]
    view = model_view("churn", {"daily": RUNS["daily"], "approve": asked}, None)
    version = view["versions"][0]
    assert (version["word"], version["decided_by"], version["comment"]) == ("Approved", "bea", "ok")


def test_a_group_belongs_to_the_dags_that_register_judge_or_promote_its_versions() -> None:
    other = entry(1, verdicts=[gate(rule(), group="arn:aws:sagemaker:x:1:model-package-group/fraud")])
    assert groups_of({**RUNS, "judge": [other], "none": [entry(1)]}) == {"churn": ["daily"], "fraud": ["judge"]}


def test_two_hundred_versions_and_hostile_text_are_plain_bounded_json() -> None:
    many = [entry(n, models=[model(n)], verdicts=[gate(rule(), sentence=HOSTILE)], run=HOSTILE) for n in range(1, 201)]
    rows = [row(n, HOSTILE, HOSTILE) for n in range(1, 201)]
    registry = Registry(rows, ARN.format(200), [{**change(1, 2), "sentence": HOSTILE, "by": {"user": HOSTILE}}, {}])
    text = json.dumps(model_view("churn", {"daily": many}, registry), allow_nan=False)
    assert "\\u001b" not in text
    assert len(text) < 1_500_000


def test_values_of_any_shape_are_no_error() -> None:
    for value in (None, 3, "x", [], [None], {"a": 1}, HOSTILE):
        keys = ("models", "promoted", "deployed", "approvals", "verdicts", "started")
        broken = {"daily": [entry(**{key: value}) for key in keys] + [value]}
        registry = Registry([{"ModelPackageArn": value}], "", [{"by": value, "number": value}])  # type: ignore[dict-item]
        json.dumps([model_view("churn", broken, registry), groups_of(broken)], allow_nan=False)


def test_home_has_the_newest_champion_and_the_verdicts_of_the_week() -> None:
    bad = gate(rule(), verdict="inconclusive")
    by_dag = {
        "daily": [*RUNS["daily"], entry(10, verdicts=[bad])],
        "weekly": [promoted(5, 4), entry(-900, verdicts=[bad])],
    }
    view = home_view(by_dag, BEGIN + timedelta(hours=12))
    assert [(one["group"], one["version"], one["dag_id"]) for one in view["champions"]] == [("churn", "5", "weekly")]
    assert [(alert["name"], alert["word"]) for alert in view["alerts"]] == [("run-10", "Inconclusive")]
    assert view["groups"] == ["churn"]
