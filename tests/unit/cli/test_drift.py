"""``sagemaker-mlops drift check``: options, exit codes and output."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from airflow_sagemaker_mlops.cli.drift import check_files
from airflow_sagemaker_mlops.drift import Profile


def table(path: Path, hours: list[int]) -> Path:
    path.write_text("hour\n" + "\n".join(map(str, hours)) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def baseline(tmp_path: Path) -> Path:
    return table(tmp_path / "baseline.csv", [8, 12, 16, 20] * 300)


def run(
    data: Path, baseline: Path, rules: Path | None = None, output: str = "text", profile: Path | None = None
) -> int:
    return check_files(data, baseline, rules, noun="flights", output=output, profile=profile)


def test_drift_is_drawn_and_is_exit_code_3(tmp_path: Path, baseline: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(table(tmp_path / "today.csv", [8] * 300 + [12] * 100), baseline) == 3
    out = capsys.readouterr().out
    assert out.startswith("DRIFT\nDrift: 400 flights against 1,200 of the baseline.")
    assert "\n   8 |------------- 25.0%\n     |======================================== 75.0%\n" in out


def test_stable_data_is_exit_code_0_and_few_records_4(tmp_path: Path, baseline: Path) -> None:
    assert run(table(tmp_path / "today.csv", [8, 12, 16, 20] * 100), baseline) == 0
    assert run(table(tmp_path / "few.csv", [8, 12, 16, 20]), baseline) == 4


def test_a_report_is_json_and_a_profile_is_a_baseline(
    tmp_path: Path, baseline: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    today = table(tmp_path / "today.csv", [8, 12, 16, 20] * 100)
    assert run(today, baseline, output="json", profile=tmp_path / "profile.json") == 0
    assert json.loads(capsys.readouterr().out)["verdict"] == "stable"
    assert Profile.from_json(json.loads((tmp_path / "profile.json").read_text("utf-8"))).records == 400
    assert run(today, tmp_path / "profile.json") == 0


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ("- {Check: pso}", 'rules.yaml:1:11  [0].Check  there is no check "pso".\n      Did you mean "psi"?'),
        ("Rules:\n- {Check: psi, Maxx: 1}", 'rules.yaml:2:22  Rules[0].Maxx  the check "psi" has no key "Maxx".'),
        ("Columns: {Labl: a}", 'rules.yaml:1:17  Columns.Labl  Columns has no key "Labl".'),
        ("Ruls: []", 'rules.yaml:1:7  Ruls  there is no key "Ruls".'),
        ("text", "the file holds neither a list of rules nor Rules and Columns."),
        ("[", "rules.yaml:"),
        ("- {Check: psi, Columns: [day]}", "rule [0] names the column day, which the data does not have."),
    ],
)
def test_what_cannot_be_used_is_exit_code_2_with_its_line(
    tmp_path: Path, baseline: Path, rules: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(rules, encoding="utf-8")
    assert run(baseline, baseline, path) == 2
    assert said in capsys.readouterr().err
    assert run(baseline, baseline, tmp_path / "nothing.yaml") == 2
    assert run(tmp_path / "nothing.csv", baseline) == 2
    assert run(baseline, baseline, output="xml") == 2
