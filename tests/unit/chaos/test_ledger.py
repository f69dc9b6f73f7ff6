"""The ledger of a fault drill: the faults that the server has counted over its restarts."""

from __future__ import annotations

import contextlib
from pathlib import Path

from airflow_sagemaker_mlops.local_aws.fault_injection import ConnectionLost, FaultInjector
from chaos.ledger import end_faults, faults_made, make_faults


def test_faults_are_counted_over_all_lives_of_the_server(tmp_path: Path) -> None:
    assert faults_made(tmp_path) == {}
    make_faults(tmp_path, seed=3)
    delays: list[float] = []
    for _life in range(2):
        faults = FaultInjector(tmp_path, delays.append)
        for _ in range(500):
            with contextlib.suppress(Exception, ConnectionLost):
                faults.before("ListTags", b"")
    made = faults_made(tmp_path)
    assert set(made) == {"throttle", "error", "drop", "delay"}
    assert delays == [0.5] * made["delay"]
    assert 20 < sum(made.values()) < 100  # 4.9 % of 1,000 calls
    end_faults(tmp_path)
    faults = FaultInjector(tmp_path)
    for _ in range(100):
        faults.before("ListTags", b"")
    assert faults_made(tmp_path) == made


def test_a_line_that_a_kill_cut_off_is_not_counted(tmp_path: Path) -> None:
    (tmp_path / "faults.log").write_text("1.0 drop CreateModel\n2.0 thro")
    assert faults_made(tmp_path) == {"drop": 1}
