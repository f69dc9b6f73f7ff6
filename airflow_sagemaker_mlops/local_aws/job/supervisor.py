"""The process that runs one job: ``python -m airflow_sagemaker_mlops.local_aws.job.supervisor FOLDER``.

Phases: wait for a slot, prepare, run the command, collect.  SIGTERM stops the job: the command gets SIGTERM, and
SIGKILL after the grace period, as with ``docker stop``.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from ..container.job_folder import JobError, JobFolder
from ..container.sandbox import choose_sandbox
from ..processes import start_of
from ..state import read_config
from .container_contract import ContainerContract
from .emr_step import EmrStep
from .job_log import JobLog
from .processing import Processing
from .state_change_event import send_state_change
from .status import AlreadyClaimed, StatusFile
from .training import Training
from .transform import Transform

CONTRACTS: dict[str, type[ContainerContract]] = {
    "processing": Processing,
    "training": Training,
    "transform": Transform,
    "emr": EmrStep,
}
GRACE_S = 120.0
DEFAULT_RUNTIME_S = 86400.0


class Supervisor:
    """Runs one job."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None
        self.ending = threading.Event()  # set when the command must end
        self.out_of_time = False
        signal.signal(signal.SIGTERM, lambda *_: self._end())
        self.job_folder = JobFolder.read(folder)
        self.status = StatusFile(folder, os.getpid(), start_of(os.getpid()))
        self.log = JobLog(self.job_folder)

    def run(self) -> None:
        """Run the job to a terminal status, whatever happens."""
        if (self.folder / "stop").exists():
            self.ending.set()
        try:
            with _slot(self.job_folder.state_dir, self.ending):
                self._run()
        except JobError as error:
            self._finish("Failed", str(error))
        except Exception as error:
            self._finish("Failed", f"InternalServerError: {type(error).__name__}: {error}")
            raise

    def _run(self) -> None:
        if self.ending.is_set():
            self._finish("Stopped", "")
            return
        sandbox = choose_sandbox(self.job_folder.state_dir, self.job_folder.root)
        self.job_folder.root.mkdir(exist_ok=True)
        contract = CONTRACTS[self.job_folder.data["kind"]](self.job_folder, sandbox, self.status, self.log)
        self.log.line(f"[local] {self.job_folder.name}: {sandbox.mode} mode")
        self.status.change(start_time=time.time())
        contract.prepare()
        code = 0
        if not self.ending.is_set():
            code = self._command(contract)
        stopped = self.ending.is_set()
        reason = contract.collect(code, stopped=stopped)
        if stopped:
            self._finish("Stopped", "")
        else:
            self._finish("Failed" if reason else "Completed", reason)

    def _command(self, contract: ContainerContract) -> int:
        words = contract.sandbox.command(contract.command())
        environment = contract.sandbox.environment(contract.environment())
        try:
            self.process = subprocess.Popen(
                words,
                cwd=contract.working_folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise JobError(f"ClientError: {words[0]} cannot be run: {error.strerror}") from None
        self.status.change(child=self.process.pid, child_start=start_of(self.process.pid))
        limit = float(contract.request.get("StoppingCondition", {}).get("MaxRuntimeInSeconds") or DEFAULT_RUNTIME_S)
        timer = threading.Timer(limit, self._time_is_up)
        timer.daemon = True
        timer.start()
        if self.ending.is_set():
            self._end()
        assert self.process.stdout is not None
        self.log.read_from(self.process.stdout)
        code = self.process.wait()
        timer.cancel()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)  # processes that the command left running
        return 128 - code if code < 0 else code

    def _time_is_up(self) -> None:
        self.out_of_time = True
        self._end()

    def _end(self) -> None:
        """Terminate the command; kill it after the grace period."""
        self.ending.set()
        process = self.process
        if process is None or process.poll() is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        # A daemon thread, which does not keep a finished supervisor alive.
        killer = threading.Timer(GRACE_S, lambda: _kill(process))
        killer.daemon = True
        killer.start()

    def _finish(self, status: str, reason: str) -> None:
        self.log.close()
        now = time.time()
        secondary = "MaxRuntimeExceeded" if self.out_of_time else status
        started = self.status.current.get("start_time")
        self.status.change(
            status=status,
            secondary_status=secondary,
            failure_reason=reason or None,
            end_time=now,
            metrics=list(self.log.metrics.values()),
            billable_seconds=max(1, round(now - started)) if started else None,
            message=reason or f"Job {status.lower()}",
        )
        send_state_change(self.job_folder, status)


def _kill(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


@contextlib.contextmanager
def _slot(state_dir: Path, ending: threading.Event) -> Iterator[None]:
    """Hold one of the machine's job slots; waits for one, because a laptop cannot run all jobs at once."""
    slots = int(read_config(state_dir).get("slots") or max(2, (os.cpu_count() or 2) // 2))
    folder = state_dir / "slots"
    folder.mkdir(exist_ok=True)
    held = None
    while held is None and not ending.is_set():
        for number in range(slots):
            lock = (folder / str(number)).open("w")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                held = lock
                break
            except OSError:
                lock.close()
        else:
            ending.wait(0.1)
    try:
        yield
    finally:
        if held is not None:
            held.close()


def main() -> None:
    """Run the job of the folder on the command line, unless another supervisor has claimed it."""
    with contextlib.suppress(AlreadyClaimed):
        Supervisor(Path(sys.argv[1])).run()


if __name__ == "__main__":
    main()
