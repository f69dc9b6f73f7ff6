"""Creating a project on disk."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
import yaml

from airflow_sagemaker_mlops.cli.new import new, update
from airflow_sagemaker_mlops.scaffold import ProjectError, make_project, projects, settle, update_project
from airflow_sagemaker_mlops.scaffold.projects import project_files

HERE = Path("python")
OWN = Path(__file__).parents[2] / "pipelines" / "valid" / "train-evaluate-register.json"


def make(folder: Path, *data: str) -> int:
    return new(folder, data, defaults=True, conn=None, region=None, python=HERE)


def test_a_project_is_made_with_its_defaults_and_named_after_its_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "new" / "Late_Flights 2"
    assert make(folder) == 0
    assert "make test" in capsys.readouterr().out
    assert (folder / "dags" / "late-flights-2" / "train.yaml").is_file()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o755
    assert os.listdir(folder.parent) == [folder.name]
    assert {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} == set(
        project_files(settle({"project": "late-flights-2"}))
    )


@pytest.mark.parametrize(
    ("folder", "project"),
    [
        ("Größe 3", "grosse-3"),
        ("9 lives__of--a cat", "lives-of-a-cat"),
        ("日本", "my-model"),
        ("x", "my-model"),
        ("a" * 40, "a" * 32),
    ],
)
def test_a_name_that_differs_from_the_folders_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], folder: str, project: str
) -> None:
    assert make(tmp_path / folder) == 0
    assert f"{folder}: project {project}, 37 files. Next:\n" in capsys.readouterr().out
    assert (tmp_path / folder / "dags" / project / "train.yaml").is_file()


def test_the_region_is_not_ignored_if_it_is_given_in_two_ways(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "churn"
    assert new(folder, ["region=eu-west-1"], defaults=True, conn=None, region="eu-west-2", python=HERE) == 2
    assert 'region is given twice, as "eu-west-1" and "eu-west-2"' in capsys.readouterr().err
    make(folder)
    assert update(folder, [], conn=None, region="eu-west-2", python=HERE) == 0
    assert "region: eu-west-2\n" in (folder / "config" / "dev.yaml").read_text()


@pytest.mark.parametrize(
    ("data", "said", "command"),
    [
        (["ci=codepipeline", "region=ca-west-1"], "CodeBuild does not exist in ca-west-1", "--region ca-central-1 "),
        (["ci=github", "region=ca-west-1"], "", ""),
        (["ci=codepipeline", "region=ca-central-1"], "", ""),
        (["region=ap-south-2"], "model package group in ap-south-2", "create-model-package-group"),
    ],
)
def test_what_a_region_lacks_is_said_with_the_command_that_helps(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], data: list[str], said: str, command: str
) -> None:
    folder = tmp_path / "churn"
    assert make(folder, *data) == 0
    readme = (folder / "README.md").read_text()
    if said:
        assert said in capsys.readouterr().err
        assert command in readme
        assert update(folder, [], conn=None, region=None, python=HERE) == 0
        assert said in capsys.readouterr().err
    else:
        assert capsys.readouterr().err == ""
        assert "--region " not in readme


@pytest.mark.parametrize(
    ("data", "region", "expected"),
    [([], None, "eu-central-1"), (["region=eu-west-1"], None, "eu-west-1"), ([], "eu-west-2", "eu-west-2")],
)
def test_a_pulled_pipeline_stays_in_the_region_that_it_is_pulled_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: list[str], region: str | None, expected: str
) -> None:
    asked = []

    def definition_of(name: str, conn: str | None, region: str | None) -> str:
        asked.append((name, conn, region))
        return OWN.read_text()

    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setattr("airflow_sagemaker_mlops.cli.new.definition_of", definition_of)
    pull = ["source=pull", "definition=churn-pipeline", *data]
    assert new(tmp_path / "churn", pull, defaults=True, conn=None, region=region, python=HERE) == 0
    assert asked == [("churn-pipeline", None, expected)]
    assert f"region: {expected}\n" in (tmp_path / "churn" / "config" / "prod.yaml").read_text()


def test_an_update_takes_another_definition_if_the_answer_changes_and_keeps_it_if_the_project_is_renamed(
    tmp_path: Path,
) -> None:
    folder, other = tmp_path / "churn", tmp_path / "other.json"
    make(folder)
    other.write_text(OWN.read_text().replace('"Train"', '"TrainAgain"').replace("Steps.Train.", "Steps.TrainAgain."))
    assert update(folder, ["source=file", f"definition={OWN}"], conn=None, region=None, python=HERE) == 0
    assert '"Train"' in (folder / "dags" / "churn" / "train.json").read_text()
    assert not (folder / "dags" / "churn" / "train.yaml").exists()
    assert update(folder, [f"definition={other}"], conn=None, region=None, python=HERE) == 0
    assert '"TrainAgain"' in (folder / "dags" / "churn" / "train.json").read_text()
    other.unlink()
    assert update(folder, ["project=renamed"], conn=None, region=None, python=HERE) == 0
    assert '"TrainAgain"' in (folder / "dags" / "renamed" / "train.json").read_text()


def test_a_fresh_clone_is_filled(tmp_path: Path) -> None:
    (tmp_path / "churn" / ".git").mkdir(parents=True)
    assert make(tmp_path / "churn") == 0
    assert (tmp_path / "churn" / ".git").is_dir()
    assert (tmp_path / "churn" / "README.md").is_file()
    assert os.listdir(tmp_path) == ["churn"]


def test_a_folder_with_files_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    assert make(tmp_path) == 2
    assert capsys.readouterr().err == (
        f"[SM370] {tmp_path} is not empty: it has notes.txt. Name a folder that does not exist.\nNothing was written.\n"
    )
    assert os.listdir(tmp_path) == ["notes.txt"]
    for name in ("a", "b", "z"):
        (tmp_path / name).mkdir()
    assert make(tmp_path) == 2
    assert "is not empty: it has a, b, notes.txt and 1 more. Name" in capsys.readouterr().err
    assert make(tmp_path / "notes.txt") == 2
    assert "is not a folder" in capsys.readouterr().err


def test_a_folder_that_cannot_be_made_is_refused_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    for inner in ("notes.txt/churn", "notes.txt/models/churn"):
        assert make(tmp_path / inner) == 2
        said = capsys.readouterr().err
        assert said.startswith(f"{tmp_path / inner} cannot be written: {tmp_path}/notes.txt")
        assert said.endswith(" is not a folder.\nNothing was written.\n")
    assert make(tmp_path / ("n" * 300)) == 2
    assert "cannot be written: File name too long.\nNothing was written." in capsys.readouterr().err
    assert os.listdir(tmp_path) == ["notes.txt"]


def test_a_project_that_is_there_is_updated_instead(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert make(tmp_path / "churn") == 0
    assert make(tmp_path / "churn") == 2
    assert f"sagemaker-mlops new --update {tmp_path / 'churn'}" in capsys.readouterr().err


def test_a_failure_in_the_middle_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(projects.os, "replace", fail)
    with pytest.raises(OSError, match="no space"):
        make_project(tmp_path / "deep" / "churn", settle({}))
    assert os.listdir(tmp_path) == []


def test_questions_without_a_terminal_are_named_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["deploy=none", "gate=no"]
    assert new(tmp_path / "churn", given, defaults=False, conn=None, region=None, python=HERE) == 2
    said = capsys.readouterr().err
    assert "no terminal to ask them on: source, regulated, approval, monitoring, target, ci, region" in said
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ("deploy", '--data is "deploy". Write it as KEY=VALUE'),
        ("deploy=batches", 'deploy is "batches". Did you mean "batch"?'),
        ("definition=x.yaml", "the question is not asked with source=yaml"),
    ],
)
def test_data_that_is_no_answer_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], data: str, sentence: str
) -> None:
    assert make(tmp_path / "churn", data) == 2
    assert sentence in capsys.readouterr().err
    assert os.listdir(tmp_path) == []


def test_a_definition_of_the_user_is_checked_and_taken_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert make(tmp_path / "churn", "source=file", f"definition={OWN}") == 0
    assert (tmp_path / "churn" / "dags" / "churn" / "train.json").is_file()
    broken = tmp_path / "broken.json"
    broken.write_text('{"Version": "2020-12-01", "Steps": [{"Name": "A", "Type": "Procesing", "Arguments": {}}]}')
    capsys.readouterr()
    assert make(tmp_path / "other", "source=file", f"definition={broken}") == 1
    assert "no project was made" in capsys.readouterr().err
    assert make(tmp_path / "other", "source=file", "definition=nowhere.yaml") == 1
    assert "nowhere.yaml" in capsys.readouterr().err
    assert not (tmp_path / "other").exists()


def test_an_update_without_a_newer_template_changes_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "churn"
    make(folder)
    (folder / "steps" / "features.py").write_text("FEATURES = ()\n")
    (folder / "infra" / "project.yaml").unlink()
    assert update_project(folder, {}) == []
    assert (folder / "steps" / "features.py").read_text() == "FEATURES = ()\n"
    assert not (folder / "infra" / "project.yaml").exists()


def test_another_answer_adds_replaces_and_removes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "churn"
    make(folder)
    (folder / ".github" / "workflows" / "ci.yml").write_text("name: ours\n")
    assert update(folder, ["ci=codepipeline"], conn=None, region=None, python=HERE) == 0
    assert (folder / "buildspec.yml").is_file()
    assert not (folder / ".github" / "workflows" / "deploy.yml").exists()
    assert (folder / ".github" / "workflows" / "ci.yml").read_text() == "name: ours\n"
    assert "ci.yml  kept, although the template no longer has it: you changed it" in capsys.readouterr().out
    assert update(folder, [], conn=None, region=None, python=HERE) == 0
    assert "up to date" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("before", "now", "after"),
    [
        ([], "source=sdk", {"gate": False, "monitoring": False}),
        ([], "regulated=yes", {"approval": True}),
        (["holder=ACME"], "licence=none", {"holder": "the authors of churn"}),
    ],
)
def test_answers_to_questions_that_are_no_longer_asked_are_dropped_by_an_update(
    tmp_path: Path, before: list[str], now: str, after: dict[str, object]
) -> None:
    folder = tmp_path / "churn"
    make(folder, *before)
    answers = folder / ".copier-answers.yml"
    answers.write_text(answers.read_text() + "asked_by_an_earlier_version: 3\n")
    assert update(folder, [now], conn=None, region=None, python=HERE) == 0
    found = yaml.safe_load(answers.read_text())
    assert after.items() <= found.items()
    assert "asked_by_an_earlier_version" not in found


def test_a_project_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "churn"
    make(folder)
    manifest = folder / ".template-files.json"
    manifest.write_text(manifest.read_text().replace('"version": "', '"version": "99.', 1))
    answers = folder / ".copier-answers.yml"
    answers.write_text(answers.read_text().replace("region: us-east-1", "region: mars-north-1\nmoons: two"))
    with pytest.raises(ProjectError, match=r"\[SM374\] .* was made by airflow-sagemaker-mlops 99\."):
        update_project(folder, {"ci": "none"})
    assert (folder / ".github").is_dir()


def test_what_is_no_project_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"\[SM375\] .* was not made by sagemaker-mlops new"):
        update_project(tmp_path, {})
    make(tmp_path / "churn")
    (tmp_path / "churn" / ".copier-answers.yml").write_text("- not answers\n")
    with pytest.raises(ProjectError, match=r"\[SM375\] .* cannot be read"):
        update_project(tmp_path / "churn", {})
    (tmp_path / "churn" / ".template-files.json").write_text('{"version": "0.1", "files": {"../x": "1"}}')
    with pytest.raises(ProjectError, match="leads out of its folder"):
        update_project(tmp_path / "churn", {})
