"""Verdicts of a drift check on files."""

from __future__ import annotations

import ast
import gzip
import json
import runpy
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from airflow_sagemaker_mlops.drift import DriftReport, Profile, judge, parse_rules, profile_of, read_table
from airflow_sagemaker_mlops.drift.job import check, main
from airflow_sagemaker_mlops.drift.settings import columns_of
from airflow_sagemaker_mlops.drift.table import BadData
from airflow_sagemaker_mlops.drift.zipapp import archive

ROOM = Path(__file__).parents[3] / "airflow_sagemaker_mlops" / "drift"
COLUMNS = {"Label": "late", "Ignore": ["id"]}


def rows(count: int, seed: int, *, hour: float = 12, carriers: str = "ABC", late: float = 0.2) -> list[str]:
    random = np.random.default_rng(seed)
    hours, names = random.normal(hour, 3, count), random.choice(list(carriers), count)
    label = random.random(count) < late
    return [f"{n},{hours[n]:.3f},{names[n]},{int(label[n])}" for n in range(count)]


def csv(path: Path, lines: Sequence[str], header: str = "id,hour,carrier,late") -> Path:
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def baseline(tmp_path: Path) -> Path:
    return csv(tmp_path / "baseline.csv", rows(5000, 1))


def report(data: Path, baseline: Path, rules: Any = None, columns: Any = COLUMNS) -> DriftReport:
    return check(data, baseline, {"Rules": rules, "Columns": columns})[0]


def test_data_of_the_same_kind_is_stable(tmp_path: Path, baseline: Path) -> None:
    found = report(csv(tmp_path / "today.csv", rows(900, 2)), baseline)
    assert found.verdict == "stable"
    assert found.exit_code == 0
    assert found.sentence.startswith("No drift: 900 records against 5,000 of the baseline")


def test_a_shifted_column_drifts_and_is_named(tmp_path: Path, baseline: Path) -> None:
    found = report(csv(tmp_path / "today.csv", rows(900, 2, hour=17)), baseline)
    assert found.verdict == "drift"
    assert 'The population stability index of "hour" is' in found.sentence
    drifted = [finding for finding in found.findings if finding.verdict == "drift"]
    assert [(finding.check, finding.column) for finding in drifted] == [("psi", "hour")]
    assert sum(drifted[0].baseline) == pytest.approx(1)
    assert sum(drifted[0].current) == pytest.approx(1)
    assert len(drifted[0].labels) == len(drifted[0].current) == 10


def test_too_few_records_decide_nothing(tmp_path: Path, baseline: Path) -> None:
    found = report(csv(tmp_path / "today.csv", rows(12, 3)), baseline, [{"Check": "psi"}])
    assert found.verdict == "inconclusive"
    assert "chance alone gives up to" in found.sentence


def test_a_dry_run_has_no_effect(tmp_path: Path, baseline: Path) -> None:
    rules = [{"Check": "psi", "DryRun": True}, {"Check": "schema"}]
    found = report(csv(tmp_path / "today.csv", rows(900, 2, hour=17)), baseline, rules)
    assert found.verdict == "stable"
    assert "drift" in [finding.verdict for finding in found.findings]


def test_columns_that_go_come_or_change_their_kind_drift(tmp_path: Path, baseline: Path) -> None:
    lines = [f"late evening,{n % 2},{n}" for n in range(300)]
    found = report(csv(tmp_path / "today.csv", lines, "hour,late,gate"), baseline, [{"Check": "schema"}])
    assert [finding.sentence for finding in found.findings] == [
        'The column "hour" was numbers and is now text ("late evening").',
        'The column "carrier" of the baseline is gone.',
        'The column "gate" is new.',
    ]


@pytest.mark.parametrize("absent", ["", "NA", "null", "NaN", "inf"])
def test_missing_values_are_counted_however_they_are_written(tmp_path: Path, baseline: Path, absent: str) -> None:
    lines = [line if n % 2 else line.replace(line.split(",")[1], absent, 1) for n, line in enumerate(rows(900, 2))]
    found = report(csv(tmp_path / "today.csv", lines), baseline, [{"Check": "missing"}])
    assert found.verdict == "drift"
    assert (
        '50.0% of the records have no value of "hour", against 0.0%; the limit is 5 percentage points.'
        in found.sentence
    )


def test_a_new_category_drifts_and_is_quoted(tmp_path: Path, baseline: Path) -> None:
    found = report(csv(tmp_path / "today.csv", rows(900, 2, carriers="ABCD")), baseline, [{"Check": "new_categories"}])
    assert found.verdict == "drift"
    assert 'have a new "carrier" ("D"); the limit is 1%.' in found.sentence


def test_a_changed_rate_of_the_label_drifts(tmp_path: Path, baseline: Path) -> None:
    rules = [{"Check": "label_rate", "MaxChange": 0.1}]
    assert report(csv(tmp_path / "a.csv", rows(900, 2, late=0.6)), baseline, rules).verdict == "drift"
    assert report(csv(tmp_path / "b.csv", rows(900, 2, late=0.21)), baseline, rules).verdict == "stable"


def test_the_number_of_records_has_bounds(tmp_path: Path, baseline: Path) -> None:
    today = csv(tmp_path / "today.csv", rows(291, 2))
    assert report(today, baseline, [{"Check": "records", "Min": 500}]).sentence.endswith(
        "There are 291 records, fewer than 500."
    )
    assert report(today, baseline, [{"Check": "records", "Min": 100, "Max": 300}]).verdict == "stable"


def test_a_kept_profile_judges_as_the_data_does(tmp_path: Path, baseline: Path) -> None:
    rules = [{"Check": name} for name in ("schema", "psi", "ks", "missing", "new_categories", "label_rate")]
    today = csv(tmp_path / "today.csv", rows(900, 2, hour=13))
    kept = Profile.from_json(json.loads(json.dumps(profile_of(read_table(baseline, columns_of(COLUMNS))).to_json())))
    table = read_table(today, columns_of(COLUMNS))
    by_profile = judge(table, kept, parse_rules(rules)).to_json()
    by_data = report(today, baseline, rules).to_json()
    for one, other in zip(by_profile["findings"], by_data["findings"], strict=True):
        for key in ("value", "noise"):
            assert one[key] == pytest.approx(other[key], abs=3e-4)  # 5,000 values are kept as 4,097 order statistics
        assert one["verdict"] == other["verdict"]


def test_a_report_is_read_back(tmp_path: Path, baseline: Path) -> None:
    found = report(csv(tmp_path / "today.csv", rows(900, 2, hour=17)), baseline)
    again = DriftReport.from_json(json.loads(json.dumps(found.to_json())))
    assert again.to_json() == found.to_json()
    damaged: Any
    for damaged in ({}, [], None, {"verdict": "perhaps"}, {**found.to_json(), "findings": [{}]}):
        with pytest.raises(ValueError, match="not the report"):
            DriftReport.from_json(damaged)


def test_parts_compressed_files_and_parquet_are_one_table(tmp_path: Path) -> None:
    lines = rows(600, 4)
    one = profile_of(read_table(csv(tmp_path / "one.csv", lines), columns_of(COLUMNS)))
    parts = tmp_path / "parts"
    parts.mkdir()
    csv(parts / "part-0.csv", lines[:200])
    (parts / "part-1.csv.gz").write_bytes(gzip.compress("\n".join(["id,hour,carrier,late", *lines[200:]]).encode()))
    (parts / "_SUCCESS").touch()
    assert repr(profile_of(read_table(parts, columns_of(COLUMNS)))) == repr(one)  # the mean of words is not a number


def test_files_without_names_have_numbered_columns(tmp_path: Path) -> None:
    path = tmp_path / "train"
    path.write_text("1,2.5\n0,3.5\n", encoding="utf-8")
    assert list(read_table(path, columns_of({"Header": False, "Label": "c0"})).columns) == ["c0", "c1"]


@pytest.mark.parametrize(
    ("text", "columns", "sentence"),
    [
        ("", None, "holds no records"),
        ("a,b\n", None, "holds no records"),
        ("a,a\n1,2\n", {"Label": "b"}, "there is no column b"),
        ("a,b\n1,x\n", {"Numeric": ["b"]}, 'the column "b" is declared numeric, but holds "x"'),
        ("a,b\n1,2\n3,4,5\n", None, "cannot be read"),
        ("a\n" + "\udcff", None, "cannot be read"),
    ],
)
def test_data_that_cannot_be_judged_is_refused(tmp_path: Path, text: str, columns: Any, sentence: str) -> None:
    path = tmp_path / "today.csv"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(BadData, match=sentence):
        read_table(path, columns_of(columns))


def test_rules_about_unknown_columns_are_refused(tmp_path: Path, baseline: Path) -> None:
    today = csv(tmp_path / "today.csv", rows(900, 2))
    with pytest.raises(BadData, match=r"rule \[0\] names the column huor, which the data does not have"):
        report(today, baseline, [{"Check": "psi", "Columns": ["huor"]}])
    with pytest.raises(BadData, match="no column of both sides is the label"):
        report(today, baseline, [{"Check": "label_rate"}], {})


def test_the_job_writes_report_and_profile(tmp_path: Path, baseline: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rules = tmp_path / "rules.json"
    rules.write_text(json.dumps({"Columns": COLUMNS}), encoding="utf-8")
    today, out = csv(tmp_path / "today.csv", rows(900, 2, hour=17)), tmp_path / "out"
    arguments = ["--data", str(today), "--baseline", str(baseline), "--rules", str(rules), "--output", str(out)]
    assert main(arguments) == 0
    assert DriftReport.from_json(json.loads((out / "report.json").read_text("utf-8"))).verdict == "drift"
    assert capsys.readouterr().out.startswith("drift: Drift: 900 records")
    assert main([*arguments[:3], str(out), *arguments[4:]]) == 0  # its own output is a baseline
    assert main([*arguments[:3], str(tmp_path / "nothing"), *arguments[4:]]) == 2
    assert "there is no file or folder" in capsys.readouterr().err


@pytest.mark.parametrize("marker", ["no-champion.json", "no-baseline.json", ""])
def test_without_a_baseline_the_number_of_records_decides_or_the_verdict_for_that(
    tmp_path: Path, marker: str, capsys: pytest.CaptureFixture[str]
) -> None:
    nothing, rules, out = tmp_path / "nothing", tmp_path / "rules.json", tmp_path / "out"
    nothing.mkdir()
    if marker:
        (nothing / marker).write_text('{"champion": null}', "utf-8")
    settings = {"Columns": COLUMNS, "Rules": [{"Check": "records", "Min": 500}, {"Check": "label_rate"}]}
    rules.write_text(json.dumps(settings), encoding="utf-8")

    def verdict(count: int, *more: str) -> str:
        today = csv(tmp_path / "today.csv", rows(count, 2))
        files = ["--data", str(today), "--baseline", str(nothing), "--rules", str(rules), "--output", str(out)]
        assert main([*files, *more]) == 0
        return str(json.loads((out / "report.json").read_text("utf-8"))["verdict"])

    assert verdict(600) == "stable"
    assert verdict(600, "--no-baseline", "inconclusive") == "inconclusive"
    assert (
        "There is no baseline to compare 600 records with; that counts as not decided here." in capsys.readouterr().out
    )
    assert verdict(400) == "drift"
    assert "There are 400 records, fewer than 500." in capsys.readouterr().out
    with pytest.raises(BadData, match="holds neither a profile nor data"):  # the command line has no such verdict
        check(tmp_path / "today.csv", nothing, settings)


def test_values_of_a_run_are_put_into_the_rules_and_drift_fails_the_job_that_is_to_fail(
    tmp_path: Path, baseline: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules, out = tmp_path / "rules.json", tmp_path / "out"
    rules.write_text(json.dumps({"Columns": COLUMNS, "Rules": [{"Check": "psi", "Max": None}]}), encoding="utf-8")
    today = csv(tmp_path / "today.csv", rows(900, 2, hour=17))
    files = ["--data", str(today), "--baseline", str(baseline), "--rules", str(rules), "--output", str(out)]
    assert main([*files, "--set", ".Rules[0].Max", "0.2", "--fail-on-drift", "True"]) == 3
    assert "the limit is 0.2" in capsys.readouterr().err
    assert main([*files, "--set", ".Rules[0].Max", "50"]) == 0
    assert main([*files, "--set", ".Rules[7].Max", "50"]) == 2
    assert "the rules have no .Rules[7].Max" in capsys.readouterr().err


def test_the_profile_is_that_of_the_next_baseline(tmp_path: Path, baseline: Path) -> None:
    today = csv(tmp_path / "today.csv", rows(900, 2))
    _, profile = check(today, baseline, {"Columns": COLUMNS}, next_baseline=baseline)
    assert profile.records == 5000


def test_a_baseline_of_another_tool_is_named_as_such(tmp_path: Path) -> None:
    folder = tmp_path / "baseline"
    folder.mkdir()
    (folder / "statistics.json").write_text('{"version": 0.0, "features": []}', "utf-8")
    with pytest.raises(BadData, match=r"statistics\.json: this is not the profile of a drift check"):
        check(csv(tmp_path / "today.csv", rows(9, 2)), folder, {"Columns": COLUMNS})


def test_the_archive_of_a_job_judges_without_the_package(tmp_path: Path, baseline: Path) -> None:
    program, rules = tmp_path / "drift.pyz", tmp_path / "rules.json"
    program.write_bytes(archive())
    rules.write_text(json.dumps({"Columns": COLUMNS}), encoding="utf-8")
    today = csv(tmp_path / "today.csv", rows(900, 2))
    files = ["--data", str(today), "--baseline", str(baseline), "--rules", str(rules), "--output", str(tmp_path)]
    with zipfile.ZipFile(program) as members:
        names = set(members.namelist())
    assert {"__main__.py", "drift_check/__init__.py", "drift_check/drift/job.py", "drift_check/gate/report.py"} <= names
    assert not any("zipapp" in name for name in names)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [str(program), *files])
        patch.setitem(sys.modules, "airflow_sagemaker_mlops", None)
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(str(program), run_name="__main__")
    assert ended.value.code == 0
    assert json.loads((tmp_path / "report.json").read_text("utf-8"))["verdict"] == "stable"
    assert archive() == archive.__wrapped__()


def test_the_modules_of_the_job_run_on_python_3_9() -> None:
    for module in ROOM.glob("*.py"):
        ast.parse(module.read_text("utf-8"), feature_version=(3, 9))


@pytest.mark.parametrize(
    ("lines", "header", "sentence"),
    [
        (["1,0"] * 300, "carrier,late", 'The column "hour" of the baseline is gone.'),
        (["zzz,0"] + ["12,0"] * 299, "hour,late", 'The column "hour" was numbers and is now text ("zzz").'),
        ([",0"] * 300, "hour,late", 'No record has a value of "hour".'),
    ],
)
def test_a_watched_column_that_cannot_be_compared_is_drift(
    tmp_path: Path, baseline: Path, lines: list[str], header: str, sentence: str
) -> None:
    today = csv(tmp_path / "today.csv", lines, header)
    found = report(today, baseline, [{"Check": "psi", "Columns": ["hour"]}], {})
    assert found.verdict == "drift"
    assert sentence in found.sentence
    assert report(today, baseline, [{"Check": "psi"}], {}).verdict != "stable"


def test_a_check_without_any_finding_is_not_decided(tmp_path: Path, baseline: Path) -> None:
    today = csv(tmp_path / "today.csv", rows(900, 2))
    found = report(today, baseline, [{"Check": "ks", "DryRun": True}])
    assert found.verdict == "inconclusive"
    assert found.sentence.endswith("No rule with an effect found anything to compare.")


def test_files_that_are_not_read_are_refused(tmp_path: Path, baseline: Path) -> None:
    folder = tmp_path / "today"
    folder.mkdir()
    csv(folder / "a.csv", rows(900, 2))
    (folder / "b.tsv").write_text("hour\n99\n", encoding="utf-8")
    with pytest.raises(BadData, match=r"has more than CSV and Parquet files: b\.tsv\."):
        report(folder, baseline)
    for name in ("x", "y"):
        (tmp_path / "profiles" / name).mkdir(parents=True)
        (tmp_path / "profiles" / name / "profile.json").write_text("{}", encoding="utf-8")
    with pytest.raises(BadData, match="holds 2 profiles; a baseline is one"):
        report(baseline, tmp_path / "profiles")
