"""The pages in Airflow's interface, in Chromium: from the click and from the data to the paint; and their API.

A run of 50 steps, a trend over 1,000 runs and a group of 200 versions, on a real API server.  Seconds of the wall
depend on what else the machine does, so each figure comes with the CPU that the page's main thread took.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[1]
HELPERS = ROOT / "tests" / "helpers"
TIMES = 7
RUNS, VERSIONS, STEPS = 1_000, 200, 50
PATIENCE_MS = 300_000
LIMITS = {"s_after_click": 1.0, "ms_after_data": 300, "api_s": 0.5}
# Clicks, then waits for the answer of the API and for the frame that shows what came with it.
CLICK = """async ([link, asked, shown]) => {
  const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  performance.clearResourceTimings();
  const clicked = performance.now();
  document.querySelector(link).click();
  for (;;) {
    await frame();
    const came = performance.getEntriesByType("resource").filter((one) => one.name.includes(asked)).at(-1);
    if (!came?.responseEnd || !document.querySelector(shown)) continue;
    await frame();
    const now = performance.now();
    const s_of_request = came.duration / 1000;
    return { s_after_click: (now - clicked) / 1000, ms_after_data: now - came.responseEnd, s_of_request };
  }
}"""


def measure() -> dict[str, Any]:
    """{page: {figure: median}}, {route: {"s", "cpu_s"}} of the API, and the load of the machine meanwhile."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        return {"not measured": "there is no Chromium"}
    sys.path[:0] = [str(HELPERS), str(HELPERS.parent)]
    from pages_server import served
    from playwright.sync_api import sync_playwright

    with (
        tempfile.TemporaryDirectory() as home,
        _registry(Path(home) / "aws") as connection,
        served(Path(home), only_story=True, prepare=functools.partial(_fill, connection)) as pages,
        sync_playwright() as playwright,
    ):
        api = _api(pages)
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        found = {name: _page(browser, pages, how) for name, how in _clicks(pages).items()}
        browser.close()
    return {"pages": found, "api": api, "limits": LIMITS, "load": round(os.getloadavg()[0], 1)}


@contextlib.contextmanager
def _registry(state: Path) -> Iterator[str]:
    """A connection whose registry answers: the pauses before botocore asks again would be the figure otherwise."""
    from airflow_sagemaker_mlops import local_aws

    try:
        yield json.dumps(local_aws.start(state).connection())
    finally:
        local_aws.stop(state)


def _clicks(pages: Any) -> dict[str, tuple[str, str, str, str]]:
    """{page: (address from which to click, selector of the link, request of the API, selector of what it shows)}."""
    from pages_server import BASE

    base = f"{pages.origin}{BASE}"
    return {
        f"run of {STEPS} steps": (
            f"{base}/dags/late-flights/runs/steps",
            "a[href$='/plugin/sagemaker-run']",
            "/api/run?",
            "#smk-root [aria-label=Steps] tr",
        ),
        f"trend over {RUNS} runs": (
            f"{base}/dags/decides/runs",
            "a[href$='/plugin/sagemaker-pipeline']",
            "/api/trend?",
            "#smk-root .smk-plot path",
        ),
        f"group of {VERSIONS} versions": (
            f"{base}/plugin/sagemaker-models",
            "a[href$='group=churn']",
            "/api/model?",
            "#smk-root .smk-plot path",
        ),
    }


def _page(browser: Any, pages: Any, how: tuple[str, str, str, str]) -> dict[str, float]:
    address, *click = how
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    context.add_cookies([{"name": "_token", "value": pages.token("admin"), "url": pages.origin}])
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Performance.setTimeDomain", {"timeDomain": "threadTicks"})
    session.send("Performance.enable")
    taken: list[dict[str, float]] = []
    for _ in range(TIMES + 1):
        page.goto(address, timeout=PATIENCE_MS)
        page.wait_for_selector(click[0], timeout=PATIENCE_MS)
        with contextlib.suppress(Exception):  # Airflow's own requests
            page.wait_for_load_state("networkidle", timeout=10_000)
        before = _cpu(session)
        taken.append({**page.evaluate(CLICK, click), "cpu_ms": 1000 * (_cpu(session) - before)})
    context.close()
    return {name: round(statistics.median(one[name] for one in taken[1:]), 3) for name in taken[0]}


def _cpu(session: Any) -> float:
    """Seconds that the page's main thread has computed."""
    metrics = session.send("Performance.getMetrics")["metrics"]
    return float(next(one["value"] for one in metrics if one["name"] == "TaskDuration"))


def _api(pages: Any) -> dict[str, dict[str, float]]:
    """The first request of a route reads the index, the others find it in memory.  Browsers get a script before."""
    assert pages.get("sagemaker-mlops/static/models.js").status == 200
    asked = {
        "trend": {"dag_id": "decides"},
        "replay": {"dag_id": "decides"},
        "home": {},
        "models": {},
        "model": {"group": "churn"},
    }
    found = {}
    for route, params in asked.items():
        taken = list(_requests(pages, f"sagemaker-mlops/api/{route}", params))
        s, cpu = ([one[at] for one in taken] for at in (0, 1))
        found[route] = {
            "first_s": round(s[0], 3),
            "s": round(statistics.median(s[1:]), 3),
            "first_cpu_s": round(cpu[0], 3),
            "cpu_s": round(statistics.median(cpu[1:]), 3),
        }
    return found


def _requests(pages: Any, path: str, params: dict[str, str]) -> Iterator[tuple[float, float]]:
    servers = [one for one in psutil.process_iter() if f":{pages.port}" in " ".join(_words(one))]
    for _ in range(TIMES + 1):
        cpu, begun = sum(map(_spent, servers)), time.perf_counter()
        answer = pages.get(path, **params)
        assert answer.status == 200, answer.body
        assert answer.json()["blocks" if "replay" not in path else "view"], answer.body
        yield time.perf_counter() - begun, sum(map(_spent, servers)) - cpu


def _words(process: psutil.Process) -> list[str]:
    with contextlib.suppress(psutil.Error):
        return process.cmdline()
    return []


def _spent(process: psutil.Process) -> float:
    with contextlib.suppress(psutil.Error):
        return sum(process.cpu_times()[:2])
    return 0.0


def _fill(connection: str, variables: dict[str, str]) -> None:
    """Add the runs, in a process with the server's configuration, and give the server its connection."""
    variables["AIRFLOW_CONN_AWS_DEFAULT"] = connection
    command = [sys.executable, "-m", "benchmarks.ui", variables["AIRFLOW__SAGEMAKER_MLOPS__RECORDS"]]
    subprocess.run(command, cwd=ROOT, env=variables, check=True, capture_output=True)


def _filled(records: str) -> None:
    from index_examples import ARN, entry, gate, model, rule
    from runs_in_airflow import Runs

    from airflow_sagemaker_mlops.records.store.index import rebuild

    runs = Runs(records)
    record: Any = copy.deepcopy(runs.known["promoted"])
    extra = STEPS - len(record["steps"])
    more = [{"step": f"Step{n}", "type": "Processing", "status": "Succeeded"} for n in range(extra)]
    runs.sealed({**record, "steps": [*record["steps"], *more]}, "steps")
    chance = random.Random(1)
    entries = []
    for number in range(RUNS):
        gain = chance.uniform(-0.05, 0.08)
        verdict = "promote" if gain > 0.03 else "reject" if gain < -0.03 else "inconclusive"
        version = max(1, number - RUNS + VERSIONS)
        promoted = [{"arn": ARN.format(version), "group": "churn", "at": entry(number)["ended"]}]
        more_facts: dict[str, Any] = {"models": [model(version)], "metrics": {"loss": chance.random()}}
        if verdict == "promote":
            more_facts["promoted"] = promoted
        entries.append(entry(number, verdicts=[gate(rule(gain, verdict=verdict), verdict=verdict)], **more_facts))
    rebuild(runs.store, "decides", entries)


if __name__ == "__main__":
    sys.path[:0] = [str(HELPERS), str(HELPERS.parent)]
    if len(sys.argv) > 1:
        _filled(sys.argv[1])
    else:
        print(json.dumps(measure(), indent=2))
