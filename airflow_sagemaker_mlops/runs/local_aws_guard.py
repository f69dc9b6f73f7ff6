"""Handles the death of the embedded AWS during a command: restarts it, or ends with a message."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from .. import local_aws
from ..execution.local_executor import PipelineRun
from ..local_aws import LocalAws, Sandbox

LOOK_EVERY_S = 2.0
MAX_STARTS = 3  # restarts before giving up


@asynccontextmanager
async def guarded(run: PipelineRun, state_dir: Path | None, say: Callable[[str], None]) -> AsyncIterator[None]:
    """Watch the server of ``state_dir`` within the context; does nothing without one."""
    if state_dir is None:
        yield
        return
    guard = asyncio.create_task(_watch(run, state_dir, say))
    try:
        yield
    finally:
        guard.cancel()
        await asyncio.gather(guard, return_exceptions=True)


async def _watch(run: PipelineRun, state_dir: Path, say: Callable[[str], None]) -> None:
    starts = 0
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        if local_aws.status(state_dir) is not None:
            continue
        why = await asyncio.to_thread(_start_again, run, state_dir, starts)
        if why:
            say(f"{why} The run ends here.")
            run.stop(why.rstrip("."), aws_is_gone=True)
            return
        starts += 1
        say("the embedded AWS had died and was started again; its jobs go on.")


def _start_again(run: PipelineRun, state_dir: Path, starts: int) -> str:
    """Restart the server; returns why that failed, or "".  Blocking."""
    if local_aws.was_stopped(state_dir):
        return f"the embedded AWS in {state_dir} was stopped."
    if starts >= MAX_STARTS:
        return f"the embedded AWS in {state_dir} died {starts + 1} times; see {state_dir / 'server.err'}."
    try:
        again = local_aws.start(state_dir)
    except (OSError, RuntimeError) as error:
        return f"the embedded AWS in {state_dir} died and cannot be started again: {error}."
    if again.endpoint_url != run.aws.key:
        return f"the embedded AWS in {state_dir} died, and its port is taken: it is at {again.endpoint_url} now."
    return ""


def look_after(
    aws: LocalAws,
    is_over: Callable[[float], bool],
    say: Callable[[str], None],
    sandbox: Sandbox = "auto",
) -> str:
    """Keep the server of ``aws`` alive until ``is_over``, which waits for a number of seconds, returns true.

    Returns why it ended before that, or "".
    """
    folder, starts = Path(aws.state_dir), 0
    while not is_over(LOOK_EVERY_S):
        if local_aws.status(folder) is not None:
            continue
        if local_aws.was_stopped(folder):
            return f"the embedded AWS in {folder} was stopped."
        if starts >= MAX_STARTS:
            return f"the embedded AWS in {folder} died {starts + 1} times; see {folder / 'server.err'}."
        starts += 1
        try:
            again = local_aws.start(folder, sandbox=sandbox)
        except (OSError, RuntimeError) as error:
            return f"the embedded AWS in {folder} died and cannot be started again: {error}."
        if again.endpoint_url != aws.endpoint_url:
            return f"the embedded AWS in {folder} died, and its port is taken: it is at {again.endpoint_url} now."
        say("the embedded AWS had died and was started again; its jobs go on.")
    return ""
