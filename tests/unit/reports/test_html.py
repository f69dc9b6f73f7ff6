"""HTML reports: escaped, self-contained, readable without colour, and of a bounded size."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from record_examples import record
from test_run_view import OLD, gate, huge, rule

from airflow_sagemaker_mlops.registry.history import Entry
from airflow_sagemaker_mlops.reports.html import (
    CONTENT_POLICY,
    MAX_BYTES,
    comparison_page,
    history_page,
    run_page,
)
from airflow_sagemaker_mlops.reports.lineage_picture import lineage_picture
from airflow_sagemaker_mlops.reports.run_view import run_view
from airflow_sagemaker_mlops.reports.wording import DRIFT, GATE

HOSTILE = """<script>alert(1)</script><img src=x onerror=alert(2)>"' onload='x'{{7*7}}</style></title>"""


class Page(HTMLParser):
    """The elements and addresses of a page, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str, str]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.add(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in ("meta", "line", "rect", "circle", "use", "path", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.tags.add(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data


def drift(verdict: str = "drift", **more: Any) -> dict[str, Any]:
    finding = {"check": "psi", "column": "hour", "value": 1.5, "limit": 0.25, "noise": 0.02, "verdict": verdict}
    drawn = {"labels": ["a", "b"], "baseline": [0.5, 0.5], "current": [0.9, 0.1], **more}
    decision = {"Verdict": verdict, "Sentence": "It moved.", "Findings": [{**finding, **drawn}]}
    return {"step": "Drift", "type": "x-drift-check", "status": "Succeeded", "decision": decision}


def everything() -> dict[str, Any]:
    document = record()
    failed = {"step": "Broken", "type": "Training", "status": "Failed", "failure_reason": "AlgorithmError: no"}
    document["steps"] = [document["steps"][1], drift(), gate("reject", rule(), rule(slice="a=b", floor=1)), failed]
    document["approvals"] = [{"task": "Ask", "decision": "Approve", "user": "ann", "comment": "fine"}]
    return document


def hostile(value: Any, *kept: str) -> Any:
    """``value`` with markup in every text, except the members ``kept`` and those that give it its shape."""
    if isinstance(value, dict):
        return {key: item if key in kept else hostile(item, *kept) for key, item in value.items()}
    if isinstance(value, list):
        return [hostile(item, *kept) for item in value]
    return HOSTILE if isinstance(value, str) else value


def harmless(page: str) -> Page:
    found = Page(page)
    assert found.open == []  # what is opened is closed, so no text has ended an element
    assert "script" not in found.tags
    assert not {"img", "iframe", "object", "embed", "form", "base"} & found.tags
    assert not [name for _, name, _ in found.attributes if name.startswith("on") or name == "style"]
    loads = [value for tag, name, value in found.attributes if name in ("src", "href") and tag != "a"]
    assert all(value.startswith("#") for value in loads)
    assert "url(" not in page
    assert "@import" not in page
    return found


@pytest.mark.parametrize("kept", [(), ("status", "verdict", "Verdict", "type", "started", "ended", "uri")])
def test_text_of_a_record_is_never_markup(kept: tuple[str, ...]) -> None:
    document = hostile(everything(), *kept)
    view = run_view(document, hostile(record(rounds=9), *kept), document, amendments=[{"approval": {"user": HOSTILE}}])
    found = harmless(run_page(view, made="2026-01-01T00:00:00Z"))
    assert HOSTILE in found.text
    harmless(comparison_page(view, view, [HOSTILE]))


def test_text_of_a_history_is_never_markup() -> None:
    entry = Entry(
        1, HOSTILE, "promotion", HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, {"user": HOSTILE}, HOSTILE
    )
    assert HOSTILE in harmless(history_page(HOSTILE, [entry, entry], champion=HOSTILE, now=HOSTILE)).text


def test_links_lead_only_to_the_console_of_aws() -> None:
    arn = "arn:aws:sagemaker:eu-west-1:123456789012:training-job/job"
    document = record()
    document["steps"][1]["attempts"][-1] |= {"arn": arn, "name": "job"}
    document["steps"][1] |= {"status": "Failed"}
    links = [v for t, n, v in Page(run_page(run_view(document, console=True))).attributes if (t, n) == ("a", "href")]
    assert links
    assert all(link.startswith("https://eu-west-1.console.aws.amazon.com/") for link in links)
    assert "http" not in re.sub(r"https://git\.example\S*", "", run_page(run_view(document)).replace("http-equiv", ""))


def test_the_policy_of_a_page_allows_its_style_and_nothing_else() -> None:
    page = Page(run_page(run_view(record())))
    policy = next(v for t, n, v in page.attributes if t == "meta" and n == "content" and "default-src" in v)
    assert policy == CONTENT_POLICY
    assert policy.startswith("default-src 'none'; style-src 'sha256-")


def test_a_page_is_small_however_large_the_record_is() -> None:
    document = huge()
    document["externalParameters"] = {f"P{n}": {"value": "<&>" * 400, "source": "conf"} for n in range(500)}
    document["approvals"] = [{"task": "&" * 300, "comment": "&" * 3_000, "decision": "Approve"}] * 500
    view = run_view(document, document)
    page = run_page(view)
    assert len(page.encode()) <= MAX_BYTES
    assert "more in the record." in Page(page).text
    assert len(comparison_page(view, view, ["&" * 5_000] * 5_000).encode()) <= MAX_BYTES
    entry = Entry(1, "", "promotion", "g", "&" * 500, "", "", "2026-01-01T00:00:00Z", "", {}, "&" * 9_000)
    assert len(history_page("g", [entry] * 5_000).encode()) <= MAX_BYTES


@pytest.mark.parametrize("verdict", ["promote", "reject", "inconclusive"])
def test_a_gates_verdict_is_a_word_beside_its_colour(verdict: str) -> None:
    page = run_page(run_view({"run": {}, "steps": [gate(verdict)]}))
    word, tone = GATE[verdict]
    assert re.search(rf'<span class="verdict {tone}"><svg.*?</svg>{word}</span>', page)


@pytest.mark.parametrize("verdict", ["stable", "drift", "inconclusive"])
def test_a_drift_checks_verdict_is_a_word_beside_its_colour(verdict: str) -> None:
    page = run_page(run_view({"run": {}, "steps": [drift(verdict)]}))
    word, tone = DRIFT[verdict]
    assert re.search(rf'<span class="verdict {tone}"><svg.*?</svg>{word}</span>', page)


def test_pictures_have_a_text_alternative() -> None:
    page = Page(run_page(run_view(everything())))
    images = sum(1 for tag, name, value in page.attributes if (tag, name, value) == ("svg", "role", "img"))
    labels = [value for tag, name, value in page.attributes if (tag, name) == ("svg", "aria-label")]
    assert images == len(labels) > 0
    assert all(labels)


@pytest.mark.parametrize(
    "document",
    [OLD, None, [], {"run": {"run_id": "r"}, "steps": []}, {"steps": [{"step": "S"}]}],
    ids=["older", "none", "a list", "begun", "a step"],
)
def test_older_and_half_written_records_have_a_page(document: Any) -> None:
    view = run_view(document)
    page = harmless(run_page(view))
    assert "What identifies this run" in page.text
    harmless(comparison_page(view, run_view(record()), []))


def test_a_failed_step_is_told_first_with_the_last_lines_of_its_log() -> None:
    text = Page(run_page(run_view(everything(), logs={"Broken": ["ValueError: 14 columns"]}))).text
    assert text.index("ValueError: 14 columns") < text.index("The decision")


def test_better_is_to_the_right_whatever_the_goal() -> None:
    worse = rule(metric="rmse", goal="minimize", difference=0.5, interval=[0.2, 0.8], verdict="reject")
    view = run_view({"run": {}, "steps": [gate("reject", worse)]})
    places = re.findall(r'<circle class="dot" cx="([\d.]+)%"', run_page(view))
    assert places
    assert all(float(place) < 50 for place in places)


def test_the_lineage_is_drawn_from_left_to_right_without_overlaps() -> None:
    picture = lineage_picture(run_view(record())["lineage"])
    assert picture is not None
    places = {box["node"]["id"]: (box["x"], box["y"]) for box in picture["boxes"]}
    assert places["data:s3://b/train"][0] < places["step:TrainModel"][0] < places["model:arn:package"][0]
    assert len(set(places.values())) == len(places)
    assert lineage_picture({"nodes": [], "edges": []}) is None


def test_a_page_is_the_same_for_the_same_view() -> None:
    view = run_view(everything())
    assert run_page(view) == run_page(json.loads(json.dumps(view)))
