"""The points of the release checklist that read files, on bad and on good files."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest
import yaml

import release.__main__ as checklist
from airflow_sagemaker_mlops import __version__
from airflow_sagemaker_mlops.provider_info import get_provider_info
from release.addresses import address, project_urls, readme

ROOT = Path(__file__).parents[2]


def test_the_version_stands_in_one_place() -> None:
    assert get_provider_info()["versions"] == [__version__]
    assert f'version = "{__version__}"' not in (ROOT / "pyproject.toml").read_text()


def test_a_tag_names_the_version() -> None:
    checklist.tag_is_the_version(checklist.Release(f"v{__version__}"))
    with pytest.raises(checklist.NotReady, match="The tag is v999"):
        checklist.tag_is_the_version(checklist.Release("v999.0.0"))


@pytest.mark.parametrize(
    ("heading", "ready"),
    [("1.2.3 (2027-01-31)", True), ("1.2.3", False), ("Unreleased", False), ("1.2.2 (2027-01-31)", False)],
)
def test_the_changelog_begins_with_the_dated_version(
    heading: str, ready: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "CHANGELOG.md").write_text(f"# Changelog\n\n## {heading}\n\n## 1.0.0 (2026-12-24)\n")
    monkeypatch.setattr(checklist, "ROOT", tmp_path)
    if ready:
        checklist.changelog_has_the_version(checklist.Release("v1.2.3"))
    else:
        with pytest.raises(checklist.NotReady, match=r"1\.2\.3 \(YYYY-MM-DD\)"):
            checklist.changelog_has_the_version(checklist.Release("v1.2.3"))


def test_a_wheel_that_was_built_without_the_addresses_is_not_released(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(checklist, "ROOT", tmp_path)
    (tmp_path / "dist").mkdir()
    with zipfile.ZipFile(tmp_path / "dist" / "p-1.whl", "w") as wheel:
        wheel.writestr(
            "p-1.dist-info/METADATA", "Name: p\nProject-URL: Documentation, https://team.example/p\n\nText\n"
        )
    checklist.wheel_names_the_addresses(checklist.Release("v1", documentation="https://team.example/p"))
    assert "a package index shows no links" in capsys.readouterr().out
    with pytest.raises(checklist.NotReady, match="Repository"):
        checklist.wheel_names_the_addresses(
            checklist.Release("v1", "https://git.example/team/p", "https://team.example/p")
        )


@pytest.mark.parametrize("file", sorted((ROOT / ".github" / "workflows").glob("*.yml")), ids=lambda file: file.name)
def test_workflows_run_targets_that_the_makefile_has(file: Path) -> None:
    makefile = (ROOT / "Makefile").read_text()
    jobs = yaml.safe_load(file.read_text())["jobs"]
    commands = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    targets = [words.split()[1] for words in commands if words.startswith("make ")]
    assert targets
    for target in targets:
        for name in ["matrix", "pythons"] if target.startswith("$") else [target]:
            assert f"\n{name}: " in makefile


def test_a_package_index_shows_where_a_release_was_published() -> None:
    assert project_urls("https://git.example/team/p", "https://team.example/p") == {
        "Documentation": "https://team.example/p",
        "Repository": "https://git.example/team/p",
        "Issues": "https://git.example/team/p/issues",
        "Changelog": "https://git.example/team/p/blob/HEAD/CHANGELOG.md",
    }
    assert project_urls("", "") == {}


@pytest.mark.parametrize(
    "given",
    [
        "http://git.example/p",
        "git@git.example:p",
        "team/p",
        "https://",
        "https://a.example/p?x=1",
        "https://a.example/a b",
    ],
)
def test_an_address_that_nobody_could_open_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match="SAGEMAKER_MLOPS_REPOSITORY is "):
        address("SAGEMAKER_MLOPS_REPOSITORY", given)


def test_links_and_pictures_of_the_readme_lead_into_the_repository_once_it_has_an_address() -> None:
    text = (
        "[a](guide/a.md#b) [c](#c) [d](https://d.example) [mail](mailto:a@b.example) ![e](docs/e.png)\n"
        '<source srcset="docs/f.png"><img src="docs/g.png"><img src="https://h.example/h.png">\n'
    )
    there = "https://git.example/team/p"
    assert readme(text, there) == (
        f"[a]({there}/blob/HEAD/guide/a.md#b) [c](#c) [d](https://d.example) [mail](mailto:a@b.example) "
        f"![e]({there}/raw/HEAD/docs/e.png)\n"
        f'<source srcset="{there}/raw/HEAD/docs/f.png"><img src="{there}/raw/HEAD/docs/g.png"><img src="https://h.example/h.png">\n'
    )
    assert readme(text, "") == text


@pytest.mark.parametrize("file", sorted((ROOT / ".github" / "workflows").glob("*.yml")), ids=lambda file: file.stem)
def test_workflows_pin_their_actions_and_get_no_rights_but_where_a_job_says_so(file: Path) -> None:
    workflow = yaml.safe_load(file.read_text())
    assert workflow["permissions"] == {"contents": "read"}
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    used = [step["uses"] for step in steps if "uses" in step]
    assert used
    assert not [one for one in used if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", one)]  # a tag can be moved
    # An expression is pasted into the script before the shell reads it, so only the values of a matrix may be there.
    expressions = {found for step in steps for found in re.findall(r"\$\{\{ *(.+?) *\}\}", step.get("run", ""))}
    assert expressions <= {"matrix.target"}
    checkouts = [step for step in steps if step.get("uses", "").startswith("actions/checkout@")]
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)
