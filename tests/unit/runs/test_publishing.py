"""The ``publish.py`` of a definition."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from airflow_sagemaker_mlops.runs.publishing import NotPublished, publish, script_of

SCRIPT = """
import sys
from pathlib import Path
sys.path.insert(0, str(Path(__file__).parent))
import data

def publish(clients, bucket, role_arn):
    import more
    return [f"{bucket}: {data.NAME} and {more.NAME}"]
"""


def example(folder: Path, name: str) -> Path:
    folder.mkdir()
    (folder / "publish.py").write_text(SCRIPT, encoding="utf-8")
    for module in ("data", "more"):
        (folder / f"{module}.py").write_text(f"NAME = {name!r}\n", encoding="utf-8")
    script = script_of(folder)
    assert script is not None
    return script


def test_two_folders_may_have_modules_of_one_name(tmp_path: Path) -> None:
    aws = SimpleNamespace(client=None, bucket="bucket", role_arn="role")
    modules, path = set(sys.modules), list(sys.path)
    scripts = [example(tmp_path / name, name) for name in ("churn", "flights")]
    assert [publish(script, aws) for script in scripts] == [
        ["bucket: churn and churn"],
        ["bucket: flights and flights"],
    ]
    assert sys.path == path
    assert not {"data", "more"} & (set(sys.modules) - modules)


def test_a_script_that_fails_is_named_with_its_reason(tmp_path: Path) -> None:
    script = example(tmp_path / "churn", "churn")
    (tmp_path / "churn" / "data.py").write_text("raise OSError('no data today')\n", encoding="utf-8")
    with pytest.raises(NotPublished, match=r"publish\.py failed: OSError: no data today"):
        publish(script, SimpleNamespace(client=None, bucket="b", role_arn="r"))
    assert "data" not in sys.modules
