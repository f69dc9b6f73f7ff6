"""What the plugin registers on each Airflow: an entry that Airflow does not know makes it drop the whole plugin."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("fastapi")

from airflow.plugins_manager import AirflowPlugin

from airflow_sagemaker_mlops.ui.api.app import static_folder
from airflow_sagemaker_mlops.ui.plugin import SageMakerUiPlugin
from airflow_sagemaker_mlops.ui.registered import APPS, NEVER, entries

# ``destination`` in core_api/datamodels/plugins.py of each version, and for 3.4 its documentation
DESTINATIONS = {
    (3, 1): {"nav", "dag", "dag_run", "task", "task_instance", "dashboard"},
    (3, 2): {"nav", "dag", "dag_run", "task", "task_instance", "base", "dashboard"},
    (3, 3): {"nav", "dag", "dag_run", "task", "task_instance", "base", "dashboard"},
    (3, 4): {
        "nav",
        "dag",
        "dag_run",
        "task",
        "task_instance",
        "base",
        "dashboard",
        "asset",
        "dag_overview",
        "task_overview",
    },
}
KEYS = {"name", "bundle_url", "destination", "url_route", "nav_top_level", "category", "icon", "icon_dark_mode"}


@pytest.mark.parametrize("version", DESTINATIONS)
def test_every_version_gets_only_destinations_and_keys_that_it_knows(version: tuple[int, int]) -> None:
    made = entries("react_apps", version)
    assert made
    assert {entry["destination"] for entry in made} <= DESTINATIONS[version]
    assert {key for entry in made for key in entry} <= KEYS | ({"applies_to"} if version >= (3, 4) else set())


@pytest.mark.parametrize("version", DESTINATIONS)
def test_routes_and_names_are_unique_on_every_version(version: tuple[int, int]) -> None:
    made = entries("react_apps", version)
    routes = [entry["url_route"] for entry in made if "url_route" in entry]
    assert len(set(routes)) == len(routes)
    assert len({(entry["name"], entry["destination"]) for entry in made}) == len(made)


def test_airflow_3_0_gets_no_component() -> None:
    assert entries("react_apps", (3, 0)) == []


def test_before_3_4_no_entry_names_its_dags() -> None:
    assert not [entry for entry in entries("react_apps", (3, 3)) if "applies_to" in entry]
    tabs = [
        entry for entry in entries("react_apps", (3, 4)) if entry["destination"] in ("dag", "dag_run", "task_instance")
    ]
    assert all(entry["applies_to"] for entry in tabs)


def test_this_airflow_accepts_the_plugin() -> None:
    datamodels = pytest.importorskip("airflow.api_fastapi.core_api.datamodels.plugins")
    model = getattr(datamodels, "ReactAppResponse", None)
    if model is None:
        pytest.skip("Airflow 3.0 has no components")
    plugin = SageMakerUiPlugin()
    assert [model.model_validate(entry).name for entry in plugin.react_apps]
    assert isinstance(plugin, AirflowPlugin)


def test_every_script_that_is_registered_exists_and_publishes_its_name() -> None:
    for app in APPS:
        script = (static_folder() / app.script).read_text()
        assert f'publish("{app.name}"' in script or app.until < NEVER, app


def test_addresses_of_scripts_follow_the_base_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://host.example/team/af/")
    made: list[dict[str, Any]] = entries("react_apps", (3, 3))
    assert all(entry["bundle_url"].startswith("/team/af/sagemaker-mlops/static/") for entry in made)
    assert all("?v=" in entry["bundle_url"] for entry in made)
