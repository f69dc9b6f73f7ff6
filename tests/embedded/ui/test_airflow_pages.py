"""The pages in Airflow's interface, on an API server with finished, running, lost and hostile runs: routes and browser.

One file, so that one server serves all of it however the tests are distributed.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from pages_server import BASE, Pages, served
from runs_in_airflow import HOSTILE

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.airflow
ROUTES = ("run", "record", "report", "task")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FIRST_S, SOON_S = 240_000, 60_000  # ms; only a test that hangs waits as long


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    with served(tmp_path_factory.mktemp("pages")) as server:
        yield server


# --- routes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    ("user", "run", "status"),
    [("", "promoted", 401), ("vera", "good", 403), ("vera", "promoted", 200), ("admin", "promoted", 200)],
)
def test_routes_answer_as_airflows_own_do(pages: Pages, route: str, user: str, run: str, status: int) -> None:
    dag_id, run_id = pages.runs[run]
    own = pages.get(f"api/v2/dags/{dag_id}/dagRuns/{run_id.replace('+', '%2B')}", user)
    answer = pages.ours(route, run, user, task_id="TrainModel")
    assert (answer.status, own.status) == (status, status)
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "frame-ancestors" in answer.headers["Content-Security-Policy"] or route == "report"


@pytest.mark.parametrize("route", ["trend", "replay", "definition", "comparison"])
@pytest.mark.parametrize(
    ("user", "dag_id", "status"),
    [("", "late-flights", 401), ("vera", "decides", 403), ("vera", "late-flights", 200), ("admin", "decides", 200)],
)
def test_routes_of_a_dag_answer_as_airflows_own_do(
    pages: Pages, route: str, user: str, dag_id: str, status: int
) -> None:
    answer = pages.get(f"sagemaker-mlops/api/{route}", user, dag_id=dag_id, run="promoted")
    assert (answer.status, answer.headers["Cache-Control"]) == (status, "no-store")


def test_pages_over_several_dags_show_those_that_the_reader_may_read(pages: Pages) -> None:
    assert {
        pages.get(f"sagemaker-mlops/api/{route}", "", group="x").status for route in ("home", "models", "model")
    } == {401}
    assert b"late-flights" in pages.get("sagemaker-mlops/api/models", "vera").body
    view = pages.get("sagemaker-mlops/api/model", "vera", group="late-flights").json()
    assert view["blocks"]
    assert "registry cannot be reached" in str(view["blocks"])
    unknown = pages.get("sagemaker-mlops/api/model", group="somebody-elses").json()
    assert unknown == {"blocks": None, "why": unknown["why"]}


def test_comparisons_and_champions_have_reports(pages: Pages) -> None:
    runs = [pages.runs[name][1] for name in ("promoted", "rejected")]
    query = urlencode({"dag_id": "late-flights", "run": runs}, doseq=True)
    for path in (f"comparison/report?{query}", "model/report?group=late-flights"):
        answer = pages.get(f"sagemaker-mlops/api/{path}")
        assert answer.status == 200
        assert answer.headers["Content-Disposition"].startswith("attachment;")
        assert b"<script" not in answer.body


def test_a_dag_shows_its_trend_and_other_dags_a_sentence(pages: Pages) -> None:
    assert "charts" in str(pages.get("sagemaker-mlops/api/trend", dag_id="late-flights").json()["blocks"])
    other = pages.get("sagemaker-mlops/api/trend", dag_id="plain").json()
    assert (other["blocks"], other["why"]) == (None, "This DAG is not a SageMaker pipeline.")


def test_a_route_without_its_dag_is_refused(pages: Pages) -> None:
    assert pages.get("sagemaker-mlops/api/run", run_id="x").status == 422
    assert pages.get("sagemaker-mlops/api/run", "", run_id="x").status == 401


def test_the_page_outside_airflow_holds_no_data_and_runs_only_our_scripts(pages: Pages) -> None:
    dag_id, run_id = pages.runs["promoted"]
    answer = pages.get("sagemaker-mlops/page", "", dag_id=dag_id, run_id=run_id)
    assert answer.status == 200
    assert run_id.encode() not in answer.body
    assert "script-src 'self';" in answer.headers["Content-Security-Policy"]
    assert not re.search(rb"<script(?![^>]*src=)", answer.body)


def test_scripts_are_open_and_checked_again_by_browsers(pages: Pages) -> None:
    answer = pages.get("sagemaker-mlops/static/base.js", "")
    assert answer.status == 200
    assert answer.headers["Cache-Control"] == "no-cache"
    assert answer.headers["Content-Type"].startswith("text/javascript")
    assert pages.get("sagemaker-mlops/static/../plugin.py", "").status in (400, 404)


def test_airflow_lists_the_plugin_with_its_tabs(pages: Pages) -> None:
    plugins = pages.get("api/v2/plugins").json()["plugins"]
    ours = next(plugin for plugin in plugins if plugin["name"] == "sagemaker_mlops")
    assert {app["destination"] for app in ours["react_apps"]} >= {"dag_run", "task_instance"}
    assert all(app["bundle_url"].startswith(f"{BASE}/sagemaker-mlops/") for app in ours["react_apps"])


def test_a_real_run_shows_its_decision(pages: Pages) -> None:
    good, bad = (pages.ours("run", run).json() for run in ("good", "bad"))
    assert good["view"]["decision"]["verdict"] == "true"
    assert good["sealed"]
    assert bad["view"]["decision"]["verdict"] == "false"
    assert bad["view"]["run"]["status"] == "Failed"


def test_the_link_of_the_status_task_leads_to_the_page(pages: Pages) -> None:
    dag_id, run_id = pages.runs["good"]
    path = f"api/v2/dags/{dag_id}/dagRuns/{run_id.replace('+', '%2B')}/taskInstances/pipeline.status/links"
    link = pages.get(path).json()["extra_links"]["Run page"]
    assert link.startswith(f"{BASE}/sagemaker-mlops/page?dag_id=decides&run_id=")
    assert pages.get(link.removeprefix(f"{BASE}/"), "").status == 200


def test_a_run_is_compared_with_the_one_before_and_with_the_champions(pages: Pages) -> None:
    view = pages.ours("run", "inconclusive").json()["view"]
    assert view["previous"]["run_id"] == pages.runs["drifted"][1]
    assert view["champion"]["run_id"] == pages.runs["promoted"][1]


def test_the_record_is_the_sealed_one_byte_for_byte(pages: Pages) -> None:
    answer = pages.ours("record", "promoted")
    run_id = pages.runs["promoted"][1]
    assert answer.body == (pages.home / "records" / "late-flights" / "records" / f"{run_id}.json").read_bytes()
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="late-flights-run')


def test_a_record_that_cannot_be_read_becomes_a_sentence(pages: Pages) -> None:
    lost, gone = (pages.ours("run", run).json() for run in ("lost", "gone"))
    assert "cannot read s3://bucket/records" in lost["why"]
    assert "gone" in gone["why"]
    assert lost["view"]["steps"]  # what Airflow knows
    assert pages.ours("report", "lost").status == 409


def test_a_live_run_is_put_together_from_its_tasks(pages: Pages) -> None:
    answer = pages.ours("run", "live").json()
    steps = {step["step"]: step for step in answer["view"]["steps"]}
    states = {name: step["status"] for name, step in steps.items()}
    assert (answer["live"], answer["sealed"]) == (True, False)
    assert (states["ProcessDays"], states["Champion"], states["Deploy"]) == ("Succeeded", "Executing", "NotStarted")
    assert steps["ProcessDays"]["name"].startswith("pipelines-")  # from the record that the step has left


def test_a_run_of_another_dag_and_one_that_is_gone_are_told_apart(pages: Pages) -> None:
    assert "not a run of a SageMaker pipeline" in pages.ours("run", "plain").json()["why"]
    assert "no longer exists" in pages.get("sagemaker-mlops/api/run", dag_id="plain", run_id="none").json()["why"]


def test_a_task_shows_its_request_and_why_the_cache_was_missed(pages: Pages) -> None:
    answer = pages.ours("task", "promoted", task_id="TrainModel").json()
    assert '"HyperParameters"' in answer["request"]["text"]
    assert answer["cache"]["why"]
    assert answer["tries"]
    assert pages.ours("task", "promoted", task_id="pipeline.status").json()["step"] is None


# --- browser ------------------------------------------------------------------------------------------------------


def missing() -> str:
    """What the tests in a browser lack here."""
    if CHROMIUM is None:
        return "No Chromium: the pages are not tested in a browser (apt-get install chromium)."
    if not all(map(find_spec, ("playwright", "axe_playwright_python"))):
        return "No Playwright: the pages are not tested in a browser (make setup)."
    return ""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if lacks := missing():
        pytest.fail(lacks) if os.environ.get("PAGES_NEED_CHROMIUM") else pytest.skip(lacks)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield launched
        launched.close()


@dataclass
class Seen:
    """A tab, and what went wrong in it."""

    page: Page
    wrong: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def open(self, address: str, selector: str = "#smk-root header") -> None:
        self.page.goto(address, timeout=FIRST_S)
        self.page.wait_for_selector(selector, timeout=FIRST_S)


@contextmanager
def looking(browser: Browser, pages: Pages, user: str = "admin", **options: Any) -> Iterator[Seen]:
    """A tab of ``user``; at its end nothing may have gone wrong in it."""
    context = browser.new_context(**{"viewport": {"width": 1400, "height": 1000}, **options})
    cookie = {"name": "_token", "value": pages.token(user), "url": pages.origin, "sameSite": "Lax"}
    context.add_cookies([cookie])  # type: ignore[list-item]
    seen = Seen(context.new_page())
    seen.page.on("pageerror", lambda error: seen.wrong.append(str(error)))
    seen.page.on("console", lambda said: seen.wrong.append(said.text) if said.type == "error" else None)
    seen.page.on("dialog", lambda dialog: seen.wrong.append(dialog.message))
    seen.page.on("request", lambda request: seen.asked.append(request.url))
    context.route(lambda url: not url.startswith(("http://127.0.0.1", "data:", "blob:")), lambda route: route.abort())
    yield seen
    leaving = [url for url in seen.asked if not url.startswith((pages.origin, "data:", "blob:"))]
    context.close()
    assert not leaving
    assert not seen.wrong


def serious(page: Page, part: str = "#smk-root") -> list[str]:
    """What axe-core calls serious or critical in our part of the page."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page, context=part).response["violations"]
    return [
        f"{one['id']}: {[node['html'][:200] for node in one['nodes'][:3]]}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_decision_comes_first_with_its_picture(browser: Browser, pages: Pages, scheme: Any) -> None:
    with looking(browser, pages, color_scheme=scheme) as seen:
        seen.open(pages.tab("promoted"))
        page = seen.page
        assert "0.6798 against 0.6366" in page.inner_text("#smk-root h1")
        assert page.locator("#smk-root .smk-interval").count() >= 5
        label = page.locator("#smk-root .smk-interval").first.get_attribute("aria-label") or ""
        assert "95 % interval" in label
        assert "31" in page.locator("#smk-root .smk-bold").all_inner_texts()  # TrainingDays, 7 before
        assert serious(page) == []


def test_lineage_shows_the_path_to_what_has_the_focus(browser: Browser, pages: Pages) -> None:
    with looking(browser, pages) as seen:
        seen.open(pages.tab("promoted"))
        node = seen.page.locator(".smk-node[aria-label^='step TrainModel']")
        assert not seen.page.locator(".smk-edge.smk-on").count()
        node.focus()
        assert seen.page.locator(".smk-edge.smk-on").count() >= 2
        assert seen.page.locator(".smk-node.smk-off").count() >= 1


def test_a_failure_stands_on_top_with_its_cause(browser: Browser, pages: Pages) -> None:
    with looking(browser, pages) as seen:
        seen.open(pages.tab("bad"))
        assert "The score is too low." in seen.page.inner_text("#smk-root .smk-panel")


def test_the_page_fits_a_narrow_panel(browser: Browser, pages: Pages) -> None:
    """Airflow's own page is never narrower than 1,280 px (3.3.2), but its panels can be made as narrow as a phone."""
    with looking(browser, pages) as seen:
        seen.open(pages.tab("drifted"))
        root = "document.getElementById('smk-root')"
        seen.page.evaluate(f"() => {{ {root}.style.width = '340px' }}")
        assert seen.page.evaluate(f"() => {root}.scrollWidth - {root}.clientWidth") <= 1


def test_hostile_text_is_shown_as_text(browser: Browser, pages: Pages) -> None:
    with looking(browser, pages) as seen:
        seen.open(pages.tab("hostile"))
        assert HOSTILE[:28] in seen.page.inner_text("#smk-root")
        assert not seen.page.locator("#smk-root img").count()
        seen.open(pages.tab("hostile", "TrainModel"))
        assert not seen.page.locator("#smk-root img").count()


def test_other_dags_and_odd_records_get_a_friendly_page(browser: Browser, pages: Pages) -> None:
    notes = {"lost": "cannot read s3://|did not answer", "old": "schema", "half": "half.json", "clock": "Rejected"}
    with looking(browser, pages) as seen:
        seen.open(pages.tab("plain"), "#smk-root .smk-note")
        assert "not a run of a SageMaker pipeline" in seen.page.inner_text("#smk-root")
        for run, said in {**notes, "inputs": "more are left out"}.items():
            seen.open(pages.tab(run))
            text = seen.page.inner_text("#smk-root")
            assert re.search(said, text), run
            assert "cannot show" not in text, run
            assert seen.page.locator("#smk-root [aria-label=Steps] tbody tr").count() > 10, run
        seen.open(pages.tab("plain", "nothing"), "#smk-root .smk-note")


def test_a_run_with_several_pipelines_lets_one_choose(browser: Browser, pages: Pages) -> None:
    with looking(browser, pages) as seen:
        seen.open(pages.tab("shops"))
        choice = seen.page.locator("#smk-root select")
        assert choice.locator("option").all_inner_texts() == ["each.ml, instance 0", "each.ml, instance 1", "north"]
        choice.select_option(label="each.ml, instance 1")
        seen.page.wait_for_selector("#smk-root header >> text=Failed", timeout=SOON_S)
        seen.open(f"{pages.tab('shops')}?group=each.ml&instance=1")
        assert "Failed" in seen.page.inner_text("#smk-root header")
        seen.open(f"{pages.origin}{BASE}/dags/shops/plugin/sagemaker-pipeline", "#smk-root table")
        links = [link.get_attribute("href") or "" for link in seen.page.locator("#smk-root table a").all()]
        assert len([link for link in links if "group=each.ml&instance=" in link]) == 2


def test_a_live_page_follows_its_run_and_then_stops_asking(browser: Browser, pages: Pages) -> None:
    with looking(browser, pages) as seen:
        seen.open(pages.tab("live"))
        assert "Running" in seen.page.inner_text("#smk-root header")
        with closing(sqlite3.connect(pages.home / "airflow.db", timeout=60)) as database, database:
            database.execute("UPDATE dag_run SET state = 'success' WHERE run_id = 'live'")
        seen.page.wait_for_function(
            "() => !document.querySelector('#smk-root header').innerText.includes('live')", timeout=SOON_S
        )
        before = [url for url in seen.asked if "/api/run?" in url]
        seen.page.wait_for_timeout(6_000)  # longer than the interval between two requests
        assert [url for url in seen.asked if "/api/run?" in url] == before


def test_a_thousand_steps_are_painted_at_once(browser: Browser, pages: Pages) -> None:
    with looking(browser, pages) as seen:
        seen.open(pages.tab("promoted"))  # the scripts are in the cache then
        seen.page.goto("about:blank")
        seen.open(pages.tab("huge"))
        took = seen.page.evaluate(
            """() => new Promise((done) => requestAnimationFrame(() => {
              const asked = performance.getEntriesByType("resource");
              const came = asked.filter((one) => one.name.includes("/api/run?")).at(-1);
              done(performance.getEntriesByName("smk-painted").at(-1).startTime - came.responseEnd);
            }))"""
        )
        assert took < 3_000  # ms; 300 on a machine that does nothing else
        seen.page.wait_for_selector("#smk-root >> text=more of 1,0", timeout=SOON_S)


def test_reproducing_takes_the_readers_own_rights(browser: Browser, pages: Pages) -> None:
    for user, said in (("vera", "You may not start runs"), ("admin", "Open the new run")):
        with looking(browser, pages, user) as seen:
            seen.open(pages.tab("promoted"))
            seen.page.click("#smk-root >> text=Reproduce")
            seen.page.click("#smk-root >> text=Start it")
            seen.page.wait_for_selector(f"#smk-root >> text={said}", timeout=SOON_S)
            seen.wrong = [line for line in seen.wrong if "403" not in line]  # the browser's own note of the answer
    runs = pages.get("api/v2/dags/late-flights/dagRuns", order_by="-start_date", state="queued").json()["dag_runs"]
    assert runs[0]["conf"]["TrainingDays"] == 31
    assert pages.runs["promoted"][1] in runs[0]["note"]


def test_the_tab_of_a_task_can_be_used_by_keyboard(browser: Browser, pages: Pages) -> None:
    with looking(browser, pages) as seen:
        seen.open(pages.tab("promoted", "TrainModel"))
        assert '"HyperParameters"' in seen.page.inner_text("#smk-root")
        assert serious(seen.page) == []


def test_the_page_outside_airflow_shows_the_report(browser: Browser, pages: Pages) -> None:
    dag_id, run_id = pages.runs["promoted"]
    with looking(browser, pages) as seen:
        query = urlencode({"dag_id": dag_id, "run_id": run_id})
        seen.open(f"{pages.origin}{BASE}/sagemaker-mlops/page?{query}", "text=0.6798")


# --- pages over many runs -------------------------------------------------------------------------------------------


DAG_TAB = f"{BASE}/dags/late-flights/plugin/sagemaker-pipeline"
MODELS, GROUP = f"{BASE}/plugin/sagemaker-models", "?group=late-flights"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_over_many_runs_are_whole_and_accessible(browser: Browser, pages: Pages, scheme: Any) -> None:
    with looking(browser, pages, color_scheme=scheme) as seen:
        page = seen.page
        seen.open(f"{pages.origin}{DAG_TAB}", "#smk-root .smk-plot")
        for part in (".smk-defined .smk-box", "input[type=range]", "[aria-label=Runs] tbody tr"):
            page.wait_for_selector(f"#smk-root {part}", timeout=SOON_S)
        signs = page.locator("#smk-root .smk-legend").first.locator("i").all_inner_texts()
        assert len(set(signs)) == len(signs)
        drawn = [
            page.locator(f"#smk-root .smk-plot path.smk-dot.smk-{tone}").first for tone in ("good", "bad", "unsure")
        ]
        shapes = [re.findall("[a-z]+", (path.get_attribute("d") or "").split("M")[1]) for path in drawn]
        assert len(set(map(str, shapes))) == len(shapes)  # readable without colours
        below = page.locator("#smk-root .smk-plot").first.locator("text[text-anchor=middle]:not(.smk-star)")
        assert len(set(below.all_text_contents())) > 1  # also if all runs were on one day
        assert serious(page) == []
        seen.open(f"{pages.origin}{MODELS}{GROUP}", "#smk-root [aria-label=Versions] tbody tr")
        assert "version 2 is the champion" in page.inner_text("#smk-root h1")
        assert serious(page) == []
        seen.open(f"{pages.origin}{BASE}/", ".smk-card .smk-badge")
        assert serious(page, ".smk-card") == []
        assert not page.locator(".smk img").count()


def test_runs_are_compared_and_a_rule_is_replayed(browser: Browser, pages: Pages) -> None:
    with looking(browser, pages) as seen:
        page = seen.page
        seen.open(f"{pages.origin}{DAG_TAB}", "#smk-root input[type=range]")
        for run in ("promoted", "rejected"):
            page.check(f"#smk-root [aria-label='Compare {pages.runs[run][1]}']")
        page.wait_for_selector("#smk-root [aria-label=Comparison] table", timeout=SOON_S)
        assert "TrainingDays" in page.inner_text("#smk-root [aria-label=Comparison]")
        said = page.locator("#smk-root [aria-label=Replay] .smk-lead")
        assert "would have promoted" in said.inner_text()
        page.locator("#smk-root input[type=range]").press("End")
        assert "promoted 0 of" in said.inner_text()
        page.click("#smk-root >> text=As recorded")
        plot = page.locator("#smk-root .smk-plot").first
        plot.press("Home")
        assert "0.6072" in page.locator("#smk-root .smk-reading").first.inner_text()
        plot.press("Enter")
        page.wait_for_selector("#smk-root header", timeout=SOON_S)
        assert "/plugin/sagemaker-run" in page.url


def test_a_definition_is_drawn_before_any_run(browser: Browser, pages: Pages) -> None:
    with looking(browser, pages) as seen:
        seen.open(f"{pages.origin}{BASE}/dags/never-run/plugin/sagemaker-pipeline", "#smk-root .smk-box")
        assert "No run of this DAG has been recorded yet" in seen.page.inner_text("#smk-root")
        seen.page.locator("#smk-root .smk-box[aria-label^=IsGood]").press("Enter")
        assert "0.9" in seen.page.inner_text("#smk-root .smk-card[role=status]")
        assert serious(seen.page) == []


def test_answers_and_rollbacks_ask_first_and_take_the_readers_rights(browser: Browser, pages: Pages) -> None:
    """The steps behind them change the registry: ``test_approvals.py``, ``test_champion_steps.py``."""
    with looking(browser, pages) as seen:
        page = seen.page
        for number, word, where in ((6, "Approve", ""), (7, "Reject", GROUP), (0, "Roll back", GROUP)):
            seen.open(f"{pages.origin}{MODELS}{where}", "#smk-root table")
            card = f"#smk-root .smk-waiting:has-text('late-flights/{number}?') >> " if number else "#smk-root >> "
            page.click(f"{card}button:has-text('{word}')")
            page.fill("dialog[open] textarea", f"{word} it.")
            assert serious(page, "dialog[open]") == []
            page.click("dialog[open] button.smk-act")
            page.wait_for_selector("dialog[open] .smk-note.smk-good", timeout=SOON_S)
    answers = pages.get("api/v2/dags/late-flights/dagRuns/asking/hitlDetails").json()["hitl_details"]
    given = {one["subject"]: (one["chosen_options"], one["params_input"]["comment"]) for one in answers}
    assert given["Approve late-flights/6?"] == (["Approve"], "Approve it.")
    assert given["Approve late-flights/7?"] == (["Reject"], "Reject it.")
    assert {one["responded_by_user"]["name"] for one in answers} == {"admin"}
    [run] = pages.get("api/v2/dags/late-flights-rollback/dagRuns").json()["dag_runs"]
    assert (run["conf"], run["triggering_user_name"]) == ({"reason": "Roll back it.", "version": 2}, "admin")
    with looking(browser, pages, "vera") as seen:
        seen.open(f"{pages.origin}{MODELS}{GROUP}", "#smk-root >> button:has-text('Roll back')")
        seen.page.click("#smk-root >> button:has-text('Roll back')")
        seen.page.fill("dialog[open] textarea", "I may not.")
        seen.page.click("dialog[open] button.smk-act")
        seen.page.wait_for_selector("dialog[open] .smk-note.smk-bad", timeout=SOON_S)
        seen.wrong = [line for line in seen.wrong if "403" not in line]
