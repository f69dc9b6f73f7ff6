"""Pages as blocks that a script draws."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from index_examples import ARN, BEGIN, HOSTILE, at, entry, gate, model, rule
from record_examples import record

from airflow_sagemaker_mlops.reports.blocks import as_number, badge, metric_said, run_address, run_link
from airflow_sagemaker_mlops.reports.home_view import home_view
from airflow_sagemaker_mlops.reports.html import history_page
from airflow_sagemaker_mlops.reports.model_view import changes_of, groups_of, model_view
from airflow_sagemaker_mlops.reports.pages import dag_page, home_card, model_page, models_page, rollback
from airflow_sagemaker_mlops.reports.run_tables import run_tables
from airflow_sagemaker_mlops.reports.run_view import run_view
from airflow_sagemaker_mlops.reports.trend_view import trend_view

PROMOTED = [{"step": "Promote", "arn": ARN.format(2), "at": at(2), "replaced": ARN.format(1)}]
RUNS = [
    entry(1, models=[model(1)], verdicts=[gate(rule())], cost={"amount": 1.5, "currency": "EUR"}),
    entry(2, models=[model(2)], verdicts=[gate(rule(0.1))], promoted=PROMOTED),
    entry(3, verdicts=[gate(rule(-0.1), verdict="reject")]),
]


def tables(blocks: list[Any]) -> dict[str, Any]:
    found = {block["table"]: block for block in blocks if "table" in block}
    for block in blocks:
        found |= tables(block.get("blocks", []))
    return found


def test_links_are_addresses_inside_airflow_with_every_part_encoded() -> None:
    link = run_link({"dag_id": "a/b", "run_id": "manual__2026-01-01T00:00:00+00:00"}, "Run")
    assert link["to"] == "/dags/a%2Fb/runs/manual__2026-01-01T00%3A00%3A00%2B00%3A00/plugin/sagemaker-run"
    assert run_link({"dag_id": "a", "run_id": ""}, "Run") == "Run"
    assert run_address("a", "b", "each.ml", "[2]").endswith("/plugin/sagemaker-run?group=each.ml&instance=2")


def test_numbers_have_four_digits_and_no_number_is_a_dash() -> None:
    assert (as_number(0.123456), as_number(1234.5), as_number(None)) == ("0.1235", "1,234", "–")
    assert metric_said({"title": "AUC", "value": 0.7, "low": 0.65, "high": 0.75}) == "AUC 0.7 (0.65 to 0.75)"
    assert badge(None) == badge({"word": ""}) == ""


def test_the_page_of_a_dag_has_charts_and_runs_newest_first() -> None:
    blocks = dag_page("daily", trend_view(RUNS))
    charts = [inner for block in blocks for inner in block.get("blocks", []) if "charts" in inner]
    assert [chart["charts"][0]["title"] for chart in charts] == ["AUC", "Duration", "Cost in EUR"]
    assert [row["pick"] for row in tables(blocks)["Runs"]["rows"]] == ["run-3", "run-2", "run-1"]
    assert [point["star"] for point in charts[0]["charts"][0]["points"]] == [False, True, False]
    assert blocks[0]["cells"] == ["Version 2 is the last champion that this DAG made"]


def test_a_model_can_be_rolled_back_only_to_a_champion_before() -> None:
    view = model_view("churn", {"daily": RUNS}, None)
    ways = [{"dag_id": "back", "endpoint": "churn-prod"}]
    assert rollback(view, ways) == {"group": "churn", "from": "2", "to": "1", "dags": ways}
    assert {"slot": "rollback"} in model_page(view, ways)
    assert 'champion_rollback_dag("churn-rollback", "churn")' in json.dumps(
        model_page(view), ensure_ascii=False
    ).replace('\\"', '"')
    assert rollback(model_view("churn", {"daily": RUNS[:1]}, None), ways) is None


def test_the_card_of_the_home_page_is_empty_where_there_is_nothing_to_say() -> None:
    assert home_card(home_view({"daily": [entry(1)]}, BEGIN)) == []
    text = json.dumps(home_card(home_view({"daily": RUNS}, BEGIN + timedelta(days=1))))
    assert "It is reject." in text


def test_hostile_text_is_text_in_every_page() -> None:
    verdicts = [gate(rule(metric=HOSTILE), sentence=HOSTILE, step=HOSTILE)]
    runs = [{**run, "run_id": HOSTILE + run["run_id"], "failed_step": HOSTILE, "verdicts": verdicts} for run in RUNS]
    by_dag = {"daily": runs}
    home = home_view(by_dag, BEGIN)
    pages = [
        dag_page(HOSTILE, trend_view(runs)),
        model_page(model_view("churn", by_dag, None)),
        models_page(groups_of(by_dag), home["champions"], ""),
        home_card(home),
    ]
    text = json.dumps(pages, allow_nan=False)
    assert "\\u001b" not in text
    assert "\\u202e" not in text


def test_a_run_ends_with_tables_of_what_it_has() -> None:
    document = record()
    document["approvals"] = [{"step": "Ask", "decision": "Approved", "user": "ann", "at": at(1)}]
    document["integrity"] = {"sha256": "0" * 64}
    found = tables(run_tables(run_view(document)))
    assert list(found) == ["Artifacts", "Models", "Approvals", "Hashes and versions"]
    assert all(len(row["cells"]) == len(one["columns"]) for one in found.values() for row in one["rows"])
    assert run_tables(run_view({})) == []


def test_the_report_of_a_group_has_the_changes_of_its_page() -> None:
    view = model_view("churn", {"daily": RUNS}, None)
    page = history_page("churn", changes_of(view), champion="2")
    assert "churn/2" in page
    assert "run-2" in page
