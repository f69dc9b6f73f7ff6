"""N jobs that never end: AWS calls per minute, memory, CPU and event loop stalls of the process that waits for them.

Ours and the Amazon provider's trigger (in a separate environment, because it needs aiobotocore) poll the same counting
server, each in its own process.  Calls are counted over several poll periods, which are shortened to keep the benchmark
short, and scaled to periods of 30 s.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PEER = ROOT / ".venv-peer" / "bin" / "python"
COUNTS = (10, 100, 500)
PERIOD_S = 30
# The provider makes N calls per period, more than one machine can serve to itself in a second.
OURS_PERIOD_S = {10: 1, 100: 1, 500: 1}
PEER_PERIOD_S = {10: 1, 100: 5, 500: 15}
PERIODS = {"ours": 40, "peer": 4}  # ours looks closer every 20th time
START_S = 20.0

WAIT = """
import asyncio, json, os, resource, sys, time
side, url, count, period, window, start = sys.argv[1], sys.argv[2], *map(float, sys.argv[3:])
count = int(count)
def rss():
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
def cpu():
    return sum(os.times()[:2])
if side == "ours":
    import boto3, time
    from airflow_sagemaker_mlops.execution.watch import poller
    from airflow_sagemaker_mlops.execution.aws.clients import SessionAws
    from airflow_sagemaker_mlops.steps.catalogue import STEP_TYPES
    aws = SessionAws(boto3.Session("x", "y", region_name="us-east-1"), "us-east-1", endpoint_of=lambda _service: url)
    entry = STEP_TYPES["Processing"]
    aws.client("sagemaker")
    async def wait(index):
        jobs, name = poller.poller_for(aws, entry, period), f"job-{index}"
        await jobs.wait(name, {"ProcessingJobName": name}, lambda _status: None)
    def settle():  # the poller's pace is that of jobs that have run for long
        for jobs in poller._POLLERS.values():
            for job in jobs.waiting:
                job.since -= 3600
else:
    from airflow.providers.amazon.aws.triggers.sagemaker import SageMakerTrigger
    connection = {"conn_type": "aws", "login": "x", "password": "y"}
    connection["extra"] = {"region_name": "us-east-1", "endpoint_url": url}
    os.environ["AIRFLOW_CONN_AWS_DEFAULT"] = json.dumps(connection)
    async def wait(index):
        async for _ in SageMakerTrigger(f"job-{index}", "processing", waiter_delay=int(period)).run():
            pass
    def settle():
        pass
stall = 0.0
async def watchdog():
    global stall
    while True:
        begun = time.perf_counter()
        await asyncio.sleep(0.02)
        stall = max(stall, time.perf_counter() - begun - 0.02)
async def main():
    global stall
    before = rss(), cpu()
    tasks = [asyncio.create_task(watchdog())] + [asyncio.create_task(wait(index)) for index in range(count)]
    await asyncio.sleep(start)
    settle()
    began = {"mib": rss() - before[0], "start_cpu_s": cpu() - before[1], "stall_s": stall}
    print(json.dumps(began), flush=True)
    await asyncio.sleep(window)
    for task in tasks:
        task.cancel()
    os._exit(0)
asyncio.run(main())
"""


def measure() -> dict[str, Any]:
    """Figures by number of jobs: ours, the provider's, and the ratio of calls."""
    figures: dict[str, Any] = {}
    for count in COUNTS:
        ours = _side("ours", sys.executable, count, OURS_PERIOD_S[count])
        figures[str(count)] = {"ours": ours}
        if PEER.exists():
            peer = _side("peer", str(PEER), count, PEER_PERIOD_S[count])
            ratio = round(ours["calls_a_minute"] / peer["calls_a_minute"], 4)
            figures[str(count)] |= {"amazon_provider_deferrable": peer, "calls_ratio": ratio}
    limits = {"calls_ratio": {"100": 1 / 30, "500": 1 / 80}, "500": {"mib": 30, "start_cpu_s": 2, "stall_s": 0.1}}
    return {**figures, "limits": limits, "period_s": PERIOD_S}


def _side(side: str, python: str, count: int, period: int) -> dict[str, Any]:
    window = float(period * PERIODS[side])
    calls: Counter[str] = Counter()
    server = _server(count, calls)
    address = f"http://127.0.0.1:{server.server_address[1]}"
    words = [side, address, *map(str, (count, period, window, max(START_S, 2.0 * period)))]
    environment = {**os.environ, "PYTHONPATH": str(ROOT) if side == "ours" else ""}
    process = subprocess.Popen([python, "-c", WAIT, *words], stdout=subprocess.PIPE, env=environment, text=True)
    assert process.stdout is not None
    try:
        while not (line := process.stdout.readline()).startswith("{"):  # the provider prints warnings first
            if process.poll() is not None:
                raise RuntimeError(f"{side} ended with {process.returncode}")
        calls.clear()
        begun = time.monotonic()
        process.communicate(timeout=window + 120)  # keeps reading: the provider logs every poll, more than a pipe holds
        took = time.monotonic() - begun
    finally:
        process.kill()
        server.shutdown()
    made = {key: round(value, 2) for key, value in json.loads(line).items()}
    scale = period / PERIOD_S * 60 / took
    return {**made, "calls_a_minute": round(sum(calls.values()) * scale, 2), "by_operation": dict(calls)}


def _server(count: int, calls: Counter[str]) -> ThreadingHTTPServer:
    """A SageMaker in which ``count`` jobs run for ever, and none has changed lately."""
    lock = threading.Lock()
    now = time.time()

    def describe(request: dict[str, Any]) -> dict[str, Any]:
        name = request["ProcessingJobName"]
        return {"ProcessingJobName": name, "ProcessingJobStatus": "InProgress", "CreationTime": now}

    def listing(request: dict[str, Any]) -> dict[str, Any]:
        if "LastModifiedTimeAfter" in request:
            return {"ProcessingJobSummaries": []}
        first, size = int(request.get("NextToken") or 0), int(request.get("MaxResults") or 10)
        rows = [{**describe({"ProcessingJobName": f"job-{i}"})} for i in range(first, min(first + size, count))]
        return {"ProcessingJobSummaries": rows, **({"NextToken": str(first + size)} if first + size < count else {})}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"{}")
            operation = self.headers["X-Amz-Target"].removeprefix("SageMaker.")
            with lock:
                calls[operation] += 1
            body = json.dumps((describe if operation.startswith("Describe") else listing)(request)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Nothing: the calls are counted."""

    class Server(ThreadingHTTPServer):
        request_queue_size = 1024
        daemon_threads = True

    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
