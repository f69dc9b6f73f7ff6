"""Another process can check whether a process is still the one that was started."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from airflow_sagemaker_mlops.local_aws.processes import create_time_us, is_alive, start_of


@pytest.mark.parametrize("function", ["start_of", "create_time_us"])
def test_every_process_sees_the_same_start_time_of_a_process(function: str) -> None:
    """One process compares what another has written; ``hash`` of a text would differ between them."""
    code = (
        f"import sys; from airflow_sagemaker_mlops.local_aws.processes import {function} as f; print(f({os.getpid()}))"
    )
    told = [
        subprocess.check_output([sys.executable, "-c", code], text=True, env={**os.environ, "PYTHONHASHSEED": seed})
        for seed in ("1", "2")
    ]
    own = {"start_of": start_of, "create_time_us": create_time_us}[function](os.getpid())
    assert [int(text) for text in told] == [own, own]


def test_a_zombie_process_counts_as_ended() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert child.stdin is not None
        start, created = start_of(child.pid), create_time_us(child.pid)
        assert start
        assert created
        assert is_alive(child.pid, start)
        child.stdin.close()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # a zombie now
        assert (start_of(child.pid), create_time_us(child.pid)) == (0, 0)
    assert (start_of(child.pid), create_time_us(child.pid)) == (0, 0)
