"""``gate pair``: captured data and labels as predictions, and ``gate evaluate`` on them."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from airflow_sagemaker_mlops.cli.app import app


def captured(folder: Path, variant: str, scores: dict[str, str]) -> Path:
    """As data capture lays it out: folders for the hour below the variant."""
    target = folder / variant / "2026/11/30/08"
    target.mkdir(parents=True)
    for part in range(2):
        lines = [
            json.dumps(
                {
                    "captureData": {"endpointOutput": {"mode": "OUTPUT", "data": score, "encoding": "CSV"}},
                    "eventMetadata": {"inferenceId": name},
                }
            )
            for name, score in list(scores.items())[part::2]
        ]
        (target / f"{part}.jsonl").write_text("\n".join(lines) + "\n")
    return folder / variant


def pair(folder: Path, labels: str, *words: str) -> Result:
    (folder / "labels.csv").write_text(labels)
    champion, candidate = folder / "champion", folder / "candidate"
    return CliRunner().invoke(
        app, ["gate", "pair", str(champion), str(candidate), "--labels", str(folder / "labels.csv"), *words]
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    captured(tmp_path, "champion", {"a": "0.1", "b": "0.2", "c": "0.3"})
    captured(tmp_path, "candidate", {"c": "0.6", "b": "0.5", "z": "0.9"})
    return tmp_path


def test_what_both_answered_is_printed_with_the_labels_that_have_arrived(folder: Path) -> None:
    done = pair(folder, "\ufefflabel,id\n1,c\n,b\n0,a\n")
    assert done.exit_code == 0
    assert done.stdout == "id,label,candidate,champion\nc,1,0.6,0.3\n"
    told = (
        "2 records answered by both variants, 1 of them with a label; 1 by the champion only, 1 by the candidate only."
    )
    assert done.stderr.strip() == told


@pytest.mark.parametrize(
    ("labels", "why"),
    [
        ("id,late\nc,1\n", 'has no column "label"'),
        ("", 'has no column "id"'),
        ("id,label\nc,1\nc,0\n", 'the id "c" occurs twice'),
        ("id,label\nother,1\n", "No record that both variants answered has a label. 2 records answered by both"),
    ],
)
def test_labels_that_lead_nowhere_are_refused(folder: Path, labels: str, why: str) -> None:
    done = pair(folder, labels)
    assert (done.exit_code, done.stdout) == (2, "")
    assert why in " ".join(done.stderr.split())


def test_a_folder_without_captured_data_is_refused(folder: Path) -> None:
    for file in (folder / "candidate").rglob("*.jsonl"):
        file.unlink()
    done = pair(folder, "id,label\nc,1\n")
    assert done.exit_code == 2
    assert "has no .jsonl file" in " ".join(done.stderr.split())


def test_a_shadow_variant_is_judged_like_any_candidate(tmp_path: Path) -> None:
    chance = random.Random(1)
    labels = {f"r{index}": index % 2 for index in range(400)}
    for variant, skill in (("champion", 0.5), ("candidate", 3.0)):
        captured(tmp_path, variant, {name: repr(label * skill + chance.gauss(0, 1)) for name, label in labels.items()})
    text = "id,label\n" + "".join(f"{name},{label}\n" for name, label in labels.items())
    predictions, rules = tmp_path / "predictions.csv", tmp_path / "rules.yaml"
    assert pair(tmp_path, text, "-o", str(predictions)).exit_code == 0
    rules.write_text("- {Metric: auc, Must: improve}\n")
    judged = CliRunner().invoke(app, ["gate", "evaluate", str(predictions), "--rules", str(rules), "--format", "json"])
    assert (judged.exit_code, json.loads(judged.stdout)["verdict"]) == (0, "promote")
