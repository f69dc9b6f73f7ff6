from __future__ import annotations

import asyncio
from contextlib import suppress

from airflow_sagemaker_mlops.triggers.step import StepTrigger


def test_a_job_is_stopped_though_the_triggerer_cancels_on_kill_again_and_again() -> None:
    """As Airflow 3.3.2 does: ``to_cancel`` is sent with every sync until the trigger has ended."""

    class Slow(StepTrigger):
        ended = False

        async def _end_job(self) -> None:
            await asyncio.sleep(0.05)
            self.ended = True

    async def triggerer() -> bool:
        trigger = Slow(task="{}")
        call = asyncio.ensure_future(asyncio.wait_for(trigger.on_kill(), 30))
        for _ in range(3):
            await asyncio.sleep(0.005)
            call.cancel("user action")
        with suppress(asyncio.CancelledError):
            await call
        assert not trigger.ended
        await asyncio.sleep(0.1)
        return trigger.ended

    assert asyncio.run(triggerer())
