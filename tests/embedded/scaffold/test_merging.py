"""Updating files that both sides changed, with the base version from the project's Git history."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from airflow_sagemaker_mlops.scaffold import make_project, projects, settle, update_project
from airflow_sagemaker_mlops.scaffold.projects import project_files


def git(folder: Path, *words: str) -> None:
    me = ["-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "core.hooksPath="]
    subprocess.run(["git", *me, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "churn"
    make_project(folder, settle({"project": "churn"}))
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "first")
    return folder


@pytest.fixture
def newer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A template whose Makefile ends with another line."""

    def files(*given: object) -> dict[str, str]:
        made = project_files(*given)  # type: ignore[arg-type]
        made["Makefile"] += "# newer\n"
        made[projects.MANIFEST] = projects.manifest(made, "0.1.0")
        return made

    monkeypatch.setattr("airflow_sagemaker_mlops.scaffold.updating.project_files", files)


@pytest.mark.usefixtures("newer")
def test_changes_at_different_places_are_merged(project: Path) -> None:
    file = project / "Makefile"
    file.write_text("# ours\n" + file.read_text())
    assert [(change.name, change.what) for change in update_project(project, {})] == [("Makefile", "merged")]
    lines = file.read_text().splitlines()
    assert (lines[0], lines[-1]) == ("# ours", "# newer")
    assert update_project(project, {}) == []


@pytest.mark.usefixtures("newer")
def test_a_file_that_was_deleted_stays_away_and_is_named_once(project: Path) -> None:
    (project / "Makefile").unlink()
    assert [(change.name, change.what) for change in update_project(project, {})] == [("Makefile", "deleted")]
    assert not (project / "Makefile").exists()
    assert update_project(project, {}) == []


@pytest.mark.usefixtures("newer")
def test_changes_at_the_same_place_leave_the_file_and_put_the_new_one_beside(project: Path) -> None:
    file = project / "Makefile"
    file.write_text(ours := file.read_text() + "# ours\n")
    assert [(change.name, change.what) for change in update_project(project, {})] == [("Makefile", "beside")]
    assert file.read_text() == ours
    assert (project / "Makefile.new").read_text().endswith("# newer\n")
    assert update_project(project, {}) == []


def test_changed_files_move_along_when_a_project_is_renamed(project: Path) -> None:
    old, new = project / "dags" / "churn", project / "dags" / "renamed"
    (old / "train.yaml").write_text(f"{(old / 'train.yaml').read_text()}# ours\n")
    (old / "deploy.yaml").write_text("Steps: []\n")
    changes = {(change.name, change.what) for change in update_project(project, {"project": "renamed"})}
    assert changes >= {
        ("dags/renamed/train.yaml", "merged"),
        ("dags/churn/train.yaml", "removed"),
        ("dags/renamed/deploy.yaml", "moved"),
        ("dags/renamed/deploy.yaml", "beside"),
        ("dags/churn/deploy.yaml", "removed"),
    }
    assert (new / "train.yaml").read_text().endswith("# ours\n")
    assert (new / "train.yaml").read_text().splitlines()[1].startswith("# renamed: ")
    assert (new / "deploy.yaml").read_text() == "Steps: []\n"
    assert "# renamed: " in (new / "deploy.yaml.new").read_text()
    assert list(old.iterdir()) == []
    assert update_project(project, {}) == []
