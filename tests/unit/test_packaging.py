"""The package as Airflow and pip see it: provider metadata, options, entry points."""

from __future__ import annotations

import json
import re
from importlib.metadata import entry_points
from pathlib import Path

import airflow
import jsonschema
import pytest

from airflow_sagemaker_mlops import settings
from airflow_sagemaker_mlops.provider_info import get_provider_info
from airflow_sagemaker_mlops.settings_table import SECTION

ROOT = Path(__file__).parents[2]


def test_airflow_finds_the_package_as_a_provider_that_fits_its_schema() -> None:
    (entry,) = [e for e in entry_points(group="apache_airflow_provider") if e.dist and "sagemaker" in e.dist.name]
    info = entry.load()()
    schema = json.loads((Path(airflow.__file__).parent / "provider_info.schema.json").read_text())
    jsonschema.validate(info, schema)


def test_every_option_that_is_read_is_declared_with_its_default() -> None:
    options = get_provider_info()["config"][SECTION]["options"]
    assert set(options) == {
        "stage",
        "stubs",
        "start_steps_in",
        "poll_interval_s",
        "aws_conn_id",
        "region_name",
        "records",
        "cache_input_contents",
        "prices",
        "fail_on_record_error",
        "image_digests",
        "lineage",
        "on_invalid",
        "signing_key",
        "anchor_models",
        "model_cards",
        "allowed_operators",
    }
    assert settings.records() == ""
    assert not settings.cache_input_contents()
    assert not settings.fail_on_record_error()
    assert settings.image_digests()
    assert not settings.lineage()
    assert settings.on_invalid() == options["on_invalid"]["default"]
    assert settings.signing_key() == ""
    assert not settings.anchor_models()
    assert settings.start_steps_in() == options["start_steps_in"]["default"]
    assert settings.poll_interval_s() == float(options["poll_interval_s"]["default"])
    assert settings.aws_conn_id() == options["aws_conn_id"]["default"]
    assert settings.region_name() is None


@pytest.mark.parametrize(
    "file", [ROOT / "constraints.txt", *sorted((ROOT / "matrix").glob("*.txt"))], ids=lambda f: f.name
)
def test_constraints_name_packages_and_versions_and_nothing_else(file: Path) -> None:
    lines = file.read_text().splitlines()
    assert len(lines) > 100
    assert all(line.count("==") == 1 and "/" not in line and " @" not in line for line in lines)


def test_the_development_setup_has_the_versions_of_the_constraints_and_hashes_for_all_of_them() -> None:
    known = set((ROOT / "constraints.txt").read_text().split())
    entries = re.split(r"\n(?=\S)", (ROOT / "requirements-dev.txt").read_text())
    pinned = [entry for entry in entries if not entry.startswith("#")]
    assert len(pinned) > 100
    assert [e for e in pinned if e.split()[0] not in known or "--hash=sha256:" not in e] == []
