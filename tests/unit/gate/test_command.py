"""``sagemaker-mlops gate evaluate`` and the archive that a job runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from simulated import binormal

from airflow_sagemaker_mlops.cli.gate import EvaluateOptions, evaluate_files
from airflow_sagemaker_mlops.gate.zipapp import module_files

RULES = """
- {Metric: auc, Must: improve}
- {Metric: auc, Slice: origin, Must: not_worsen, By: 0.05, MinRecords: 200}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rules.yaml").write_text(RULES)
    for name, gain in (("better", 0.05), ("equal", 0.0), ("worse", -0.08)):
        label, candidate, champion = binormal(1, 1500, gain)
        rows = zip(label, candidate, champion, strict=True)
        text = "".join(f"{i},{int(y)},{a!r},{b!r},{['EWR', 'JFK'][i % 2]}\n" for i, (y, a, b) in enumerate(rows))
        head = "id,label,candidate,champion,origin\n"
        (tmp_path / f"{name}.csv").write_text(head + text.replace("np.float64(", "").replace(")", ""))
    return tmp_path


def asked(folder: Path, predictions: str, rules: str = "rules.yaml", **more: Any) -> EvaluateOptions:
    given = {"champion_predictions": None, "no_champion": None, "values": (), "recorded": None, "noun": "records"}
    return EvaluateOptions(folder / predictions, folder / rules, **{**given, **more})


@pytest.mark.parametrize(
    ("predictions", "code", "verdict"), [("better", 0, "promote"), ("worse", 3, "reject"), ("equal", 4, "inconclusive")]
)
def test_the_exit_code_is_that_of_the_verdict(
    folder: Path, capsys: pytest.CaptureFixture[str], predictions: str, code: int, verdict: str
) -> None:
    assert evaluate_files(asked(folder, f"{predictions}.csv"), output="json", out=None) == code
    report = json.loads(capsys.readouterr().out)
    assert report["verdict"] == verdict
    assert report["records"] == 1500
    assert {"metric", "slice", "candidate", "champion", "difference", "interval", "verdict"} <= set(report["rules"][0])


def test_the_text_has_the_verdict_the_sentence_and_the_picture(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate_files(asked(folder, "better.csv", noun="flights"), output="text", out=folder / "r.json") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "PROMOTE"
    assert " on 1,500 flights: better. " in lines[1]
    zero = lines[3].index("|")
    assert lines[4].lstrip().startswith("auc ")
    assert lines[4][zero] == "|"
    assert zero < lines[4].index("[") < lines[4].index("*") < lines[4].index("]")
    assert json.loads((folder / "r.json").read_text())["verdict"] == "promote"


@pytest.mark.parametrize(
    ("rules", "says"),
    [
        (
            "- {Metric: auc,\n   Musst: improve}",
            ':2:11  [0].Musst  "Musst" is not a key of a rule.\n      Did you mean',
        ),
        ("- {Metric: auc\n", "this is not YAML"),
        ("", "there are no rules"),
        ("- {Metric: auc, Metric: f1, Must: improve}", '"Metric"'),
    ],
)
def test_rules_that_are_wrong_are_named_by_line(
    folder: Path, capsys: pytest.CaptureFixture[str], rules: str, says: str
) -> None:
    (folder / "rules.yaml").write_text(rules)
    assert evaluate_files(asked(folder, "better.csv"), output="text", out=None) == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"predictions": "nothing.csv"}, "there is no file"),
        ({"rules": "nothing.yaml"}, "cannot be read"),
        ({"values": ("latency",)}, "write NAME=CANDIDATE,CHAMPION"),
        ({"values": ("latency=1,x",)}, "write NAME=CANDIDATE,CHAMPION"),
        ({"values": ("latency=1,2",)}, "no rule is about: latency"),
        ({"no_champion": "maybe"}, "use promote, reject or approve"),
        ({"no_champion": "promote"}, "there are scores of a champion"),
    ],
)
def test_words_that_cannot_be_used_are_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], more: dict[str, Any], says: str
) -> None:
    words = {"predictions": "better.csv", **more}
    assert evaluate_files(asked(folder, **words), output="text", out=None) == 2
    assert says in capsys.readouterr().err


def test_a_users_function_beside_the_rules_is_a_metric(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "profit.py").write_text(
        "def profit(labels, scores):\n    return ((scores > 0.5) * (labels - 0.4)).mean()\n"
    )
    (folder / "rules.yaml").write_text("- {Metric: 'profit.py:profit', Goal: maximize, Must: improve}")
    assert evaluate_files(asked(folder, "better.csv"), output="text", out=None) == 0
    assert "profit 0." in capsys.readouterr().out
    (folder / "rules.yaml").write_text("- {Metric: 'profit.py:proft', Goal: maximize, Must: improve}")
    assert evaluate_files(asked(folder, "better.csv"), output="text", out=None) == 2
    assert 'profit.py has no function "proft". Did you mean "profit"?' in capsys.readouterr().err
    (folder / "profit.py").write_text("def profit(labels, scores):\n    return 1 / 0\n")
    (folder / "rules.yaml").write_text("- {Metric: 'profit.py:profit', Goal: maximize, Must: improve}")
    assert evaluate_files(asked(folder, "better.csv"), output="text", out=None) == 2
    assert "failed: ZeroDivisionError" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("def f(labels, scores):\n    raise SystemExit(0)", "failed: it ends the program (exit code 0)"),
        ("raise SystemExit(0)", "cannot be loaded: it ends the program (exit code 0)"),
        ("import itertools\nf = lambda labels, scores, calls=itertools.count(): next(calls)", "gives 0 and then 1"),
        ("g = 1", 'has no function "f".'),
    ],
)
def test_a_users_function_never_gives_a_verdict_by_its_exit_code_or_by_chance(
    folder: Path, capsys: pytest.CaptureFixture[str], code: str, says: str
) -> None:
    (folder / "own.py").write_text(code)
    (folder / "rules.yaml").write_text("- {Metric: 'own.py:f', Goal: maximize, Must: improve}")
    assert evaluate_files(asked(folder, "better.csv"), output="text", out=None) == 2
    said = capsys.readouterr().err
    assert says in said
    assert "Did you mean" not in said


def test_a_users_function_that_changes_its_arguments_changes_no_other_rule(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "own.py").write_text("def f(labels, scores):\n    scores.sort()\n    return labels[-1] + scores[-1]\n")
    both = ["- {Metric: 'own.py:f', Goal: maximize, Floor: 0}\n", "- {Metric: auc, Must: improve}\n"]
    found = []
    for rules in (both, both[1:]):
        (folder / "rules.yaml").write_text("".join(rules))
        evaluate_files(asked(folder, "better.csv"), output="json", out=None)
        found.append({**json.loads(capsys.readouterr().out)["rules"][-1], "rule": ""})
    assert found[0] == found[1]


def test_what_a_job_imports_is_in_its_archive() -> None:
    import ast

    names = {module.stem for module in module_files()}
    for module in module_files():
        for node in ast.walk(ast.parse(module.read_text())):
            if isinstance(node, ast.ImportFrom) and node.level:
                assert node.level == 1, module
                wanted = {node.module} if node.module else {alias.name for alias in node.names}
                assert wanted <= names | {"zipapp"}, module


def test_the_report_does_not_depend_on_the_order_of_rows(folder: Path) -> None:
    from airflow_sagemaker_mlops.gate import parse_rules
    from airflow_sagemaker_mlops.gate.job import judge_files, report_text

    rules = parse_rules([{"Metric": name, "Must": "not_worsen", "By": 0.01} for name in ("auc", "f1", "log_loss")])
    head, *rows = (folder / "equal.csv").read_text().splitlines()
    np.random.default_rng(0).shuffle(rows)
    (folder / "shuffled.csv").write_text("\n".join([head, *rows]))
    texts = [report_text(judge_files(rules, folder / name)) for name in ("equal.csv", "shuffled.csv")]
    assert texts[0] == texts[1]
