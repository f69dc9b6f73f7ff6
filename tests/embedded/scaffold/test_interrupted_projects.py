"""``new`` and ``new --update`` leave no half project, wherever they are interrupted, and name what they cannot read."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from airflow_sagemaker_mlops.cli.app import app
from airflow_sagemaker_mlops.cli.new import new, update
from airflow_sagemaker_mlops.scaffold import ProjectError, make_project, projects, settle
from airflow_sagemaker_mlops.scaffold.projects import replace_file
from airflow_sagemaker_mlops.scaffold.updating import recorded_answers

FILES = {".ci/a.yml": "a", "README.md": "b", "dags/c.py": "c"}


def interrupting(work: Callable[..., None], number: int, *, after: bool) -> Callable[..., None]:
    """``work``, interrupted at its call ``number``: before it, or after it was carried out."""
    calls: list[int] = []

    def interrupted(*words: object) -> None:
        calls.append(1)
        if len(calls) == number and not after:
            raise KeyboardInterrupt
        work(*words)
        if len(calls) == number:
            raise KeyboardInterrupt

    return interrupted


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("number", [1, 2, 3])
def test_an_interrupted_project_leaves_the_folder_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, after: bool
) -> None:
    monkeypatch.setattr(projects, "project_files", lambda *_: FILES)
    clone = tmp_path / "clone"
    (clone / ".git").mkdir(parents=True)
    monkeypatch.setattr(projects.os, "replace", interrupting(os.replace, number, after=after))
    with pytest.raises(KeyboardInterrupt):
        make_project(clone, {})
    monkeypatch.setattr(projects.os, "replace", interrupting(os.replace, 1, after=after))
    with pytest.raises(KeyboardInterrupt):
        make_project(tmp_path / "deep" / "churn", {})
    assert os.listdir(tmp_path) == ["clone"]
    assert os.listdir(clone) == [".git"]
    make_project(clone, {})
    assert sorted(os.listdir(clone)) == [".ci", ".git", "README.md", "dags"]


def test_somebody_elses_project_is_not_undone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(projects, "project_files", lambda *_: FILES)
    folder, replace = tmp_path / "churn", os.replace

    def meanwhile(source: Path, target: Path) -> None:
        folder.mkdir()
        (folder / "theirs.txt").write_text("theirs")
        replace(source, target)

    monkeypatch.setattr(projects.os, "replace", meanwhile)
    with pytest.raises(OSError, match="not empty"):
        make_project(folder, {})
    assert os.listdir(tmp_path) == ["churn"]
    assert os.listdir(folder) == ["theirs.txt"]


def test_ctrl_c_is_a_sentence_and_an_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(projects, "render", lambda *_, **__: signal.raise_signal(signal.SIGINT))
    assert new(tmp_path / "churn", [], defaults=True, conn=None, region=None, python=Path("python")) == 130
    assert capsys.readouterr().err == "Ctrl-C: nothing was written.\n"
    assert os.listdir(tmp_path) == []


def test_a_file_is_replaced_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "run.sh"
    script.write_text("old")
    script.chmod(0o755)
    replace_file(script, "new")
    assert (script.read_text(), script.stat().st_mode & 0o777) == ("new", 0o755)
    monkeypatch.setattr(projects.os, "replace", interrupting(os.replace, 1, after=False))
    with pytest.raises(KeyboardInterrupt):
        replace_file(script, "newer")
    assert os.listdir(tmp_path) == ["run.sh"]
    assert script.read_text() == "new"


def test_an_update_on_a_full_disk_names_the_file_and_is_completed_by_the_same_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "churn"
    files = make_project(folder, settle({"project": "churn"}))
    write, written = Path.write_text, []

    def write_until_full(path: Path, text: str, encoding: str) -> int:
        written.append(path)
        if len(written) == 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(path, text, encoding=encoding)

    def again() -> int:
        return update(folder, ["region=eu-west-1"], conn=None, region=None, python=Path("python"))

    with monkeypatch.context() as full:
        full.setattr(Path, "write_text", write_until_full)
        assert again() == 2
    said = capsys.readouterr().err
    named, _, rest = said.partition(" cannot be read or written: ")
    assert Path(named).relative_to(folder).as_posix() in files
    assert rest == (
        "No space left on device. No file is half written. "
        "Run the same command again to update the files that are left.\n"
    )
    assert again() == 0
    make_project(tmp_path / "fresh", settle({"project": "churn", "region": "eu-west-1"}))
    assert all((folder / name).read_bytes() == (tmp_path / "fresh" / name).read_bytes() for name in files)


def test_an_empty_name_is_not_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    for words in (["new", "", "--defaults"], ["new", " ", "--update"], ["local", "--reset", "--state-dir", ""]):
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 2
        assert "the name is empty. Write . for the current" in done.stderr
    assert os.listdir(tmp_path / "work") == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("\tci: none", ":2:1 cannot be read: this is not YAML: a tab indents this line. Indent it with spaces"),
        ("ci: a: b", ":2:6 cannot be read: this is not YAML: a second colon follows here, or the line is indented"),
        (
            "ci: @b",
            ':2:5 cannot be read: this is not YAML: a value cannot begin with "@". Put the value into quotation',
        ),
        ("ci: [a]", ' has a list for "ci". Write ci: and its answer on one line.'),
        ("ci:", ' has nothing for "ci". Write ci: and its answer on one line.'),
    ],
)
def test_answers_that_cannot_be_read_are_named_with_their_line_and_the_fix(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str, said: str
) -> None:
    (tmp_path / ".template-files.json").write_text('{"version": "0.1.0", "files": {}}')
    answers = tmp_path / ".copier-answers.yml"
    answers.write_text(f"project: churn\n{line}\n")
    assert update(tmp_path, [], conn=None, region=None, python=Path("python")) == 2
    assert f"[SM375] {answers}{said}" in capsys.readouterr().err
    answers.write_text("project: churn\ngate: true\n_commit: 0.1.0\n")
    assert recorded_answers(tmp_path) == {"project": "churn", "gate": True}
    answers.write_text("- project\n")
    with pytest.raises(ProjectError, match="its lines are not KEY: VALUE"):
        recorded_answers(tmp_path)
