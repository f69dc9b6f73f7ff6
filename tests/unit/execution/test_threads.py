"""An account that does not answer delays no other account."""

from __future__ import annotations

import asyncio
import threading

from waiting import PATIENCE_S

from airflow_sagemaker_mlops.execution.aws.threads import MAX_THREADS, in_thread


def test_calls_that_hang_leave_other_accounts_stops_and_airflows_own_threads_alone() -> None:
    answered = threading.Event()

    async def beside() -> list[str]:
        hung = [asyncio.ensure_future(in_thread("black hole", answered.wait)) for _ in range(2 * MAX_THREADS)]
        await asyncio.sleep(0.1)
        done = [
            await in_thread("another", str, "another account"),
            await in_thread("black hole", str, "a stop", urgent=True),
            await asyncio.to_thread(str, "Airflow's own"),
        ]
        answered.set()
        await asyncio.gather(*hung)
        return done

    # Those that hang are let go behind the others' answers only, so the limit is never reached.
    assert asyncio.run(asyncio.wait_for(beside(), PATIENCE_S)) == ["another account", "a stop", "Airflow's own"]
