"""Each file gets the answer from the right object of a transform job."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from airflow_sagemaker_mlops.execution.answers import NoAnswer
from airflow_sagemaker_mlops.execution.runners import serving
from airflow_sagemaker_mlops.execution.runners.serving import MAX_FILES, answers_by_file

FOLDER = "s3://bucket/out/job/"


def answers(source: str, files: list[str], written: list[str]) -> dict[str, str]:
    found = answers_by_file(
        f"s3://bucket/{source}", [f"s3://bucket/{file}" for file in files], FOLDER, [FOLDER + name for name in written]
    )
    return {file.removeprefix("s3://bucket/"): uri.removeprefix(FOLDER) for file, uri in found.items()}


@pytest.mark.parametrize(
    ("source", "files", "written"),
    [
        ("in/", ["in/x.csv"], ["x.csv.out"]),
        ("in", ["in/x.csv"], ["in/x.csv.out"]),
        ("in/x.csv", ["in/x.csv"], ["x.csv.out"]),
        ("in/", ["in/a/x.csv", "in/b/x.csv", "in/x.csv"], ["a/x.csv.out", "b/x.csv.out", "x.csv.out"]),
        ("in/", ["in/a/x.csv", "in/b/x.csv"], ["in/a/x.csv.out", "in/b/x.csv.out"]),
        ("in/", ["in/a/x.csv", "in/b/y.csv"], ["in/x.csv.out", "in/y.csv.out"]),  # the guide's example
    ],
)
def test_every_file_has_the_answer_at_its_own_path(source: str, files: list[str], written: list[str]) -> None:
    assert answers(source, files, written) == dict(zip(files, written, strict=True))


@pytest.mark.parametrize(
    ("files", "written", "missing"),
    [
        (["in/a/x.csv", "in/b/x.csv"], ["a/x.csv.out"], "in/b/x.csv"),
        (["in/a/x.csv", "in/b/x.csv"], ["b/x.csv.out", "c/x.csv.out"], "in/a/x.csv"),
        (["in/x.csv", "in/b/x.csv"], ["x.csv.out"], "in/b/x.csv"),
        (["in/x.csv"], ["x.json.out"], "in/x.csv"),
        (["in/x.csv"], [], "in/x.csv"),
    ],
)
def test_a_file_without_an_answer_takes_no_other_files(files: list[str], written: list[str], missing: str) -> None:
    with pytest.raises(NoAnswer, match=f"s3://bucket/{missing} has no answer"):
        answers("in/", files, written)


def pages(*counts: int) -> Any:
    """A run whose bucket lists pages with this many objects each, of which only the last one is not empty."""

    def list_objects_v2(ContinuationToken: str = "0", **_rest: Any) -> dict[str, Any]:
        page = int(ContinuationToken)
        last = page == len(counts) - 1
        rows = [{"Key": f"in/{page}/{index}", "Size": 0} for index in range(counts[page])]
        rows[-1]["Size"] = int(last)
        more = {} if last else {"IsTruncated": True, "NextContinuationToken": str(page + 1)}
        return {"Contents": rows, **more}

    return SimpleNamespace(aws=SimpleNamespace(client=lambda _: SimpleNamespace(list_objects_v2=list_objects_v2)))


def test_objects_behind_a_thousand_empty_ones_are_found() -> None:
    assert serving._files(pages(1000, 1000, 3), "s3://bucket/in/") == ["s3://bucket/in/2/2"]


def test_more_files_than_a_check_takes_are_refused() -> None:
    listed = {"Contents": [{"Key": f"in/{index}", "Size": 1} for index in range(MAX_FILES + 1)]}
    run: Any = SimpleNamespace(
        aws=SimpleNamespace(client=lambda _: SimpleNamespace(list_objects_v2=lambda **_: listed))
    )
    with pytest.raises(NoAnswer, match=f"more than {MAX_FILES} objects"):
        serving._files(run, "s3://bucket/in/")
