"""The plugin's entries on each version of Airflow: an unknown entry makes Airflow drop the whole plugin."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("fastapi")

from airflow.plugins_manager import AirflowPlugin

from airflow_sagemaker_mlops.ui.api.app import static_folder
from airflow_sagemaker_mlops.ui.plugin import SageMakerUiPlugin
from airflow_sagemaker_mlops.ui.registered import ACTIONS, APPS, NEVER, entries

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


# The records that ``applies_to`` can look at, in plugins_manager.py of 3.4.0b2; it ignores paths at others
RECORDS = {"dag": {"dag"}, "dag_overview": {"dag"}, "dag_run": {"dag", "dag_run"}, "asset": {"asset"}}
RECORDS |= {"task_instance": {"dag", "dag_run", "task", "task_instance"}}


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


def test_on_3_4_dags_and_assets_have_their_components_and_other_dags_have_none() -> None:
    made = {entry["destination"]: entry for entry in entries("react_apps", (3, 4))}
    assert set(made) >= {"dag", "dag_run", "task_instance", "dag_overview", "asset"}
    for destination, entry in made.items():
        for path, values in entry.get("applies_to", {}).items():
            assert path.partition(".")[0] in RECORDS[destination]
            assert isinstance(values, list)
            assert all(isinstance(value, str) for value in values)
    assert "url_route" not in made["dag_overview"]  # rendered inside the page


def test_buttons_exist_from_3_4_on_with_the_four_keys_that_airflow_takes() -> None:
    assert entries("ui_actions", (3, 3)) == []
    made = entries("ui_actions", (3, 4))
    assert [set(action) for action in made] == [{"action_type", "name", "destination", "bundle_url"}]
    assert {action["action_type"] for action in made} == {"react"}
    assert {action["destination"] for action in made} <= {"dag", "dag_run", "task_instance"}


def test_this_airflow_accepts_the_plugin() -> None:
    datamodels = pytest.importorskip("airflow.api_fastapi.core_api.datamodels.plugins")
    model = getattr(datamodels, "ReactAppResponse", None)
    if model is None:
        pytest.skip("Airflow 3.0 has no components")
    plugin = SageMakerUiPlugin()
    assert [model.model_validate(entry).name for entry in plugin.react_apps]
    assert isinstance(plugin, AirflowPlugin)


def test_every_script_that_is_registered_exists_and_publishes_its_name() -> None:
    for app in (*APPS, *ACTIONS):
        script = (static_folder() / app.script).read_text()
        assert f'publish("{app.name}"' in script or app.until < NEVER, app


def test_addresses_of_scripts_follow_the_base_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://host.example/team/af/")
    made: list[dict[str, Any]] = entries("react_apps", (3, 3))
    assert all(entry["bundle_url"].startswith("/team/af/sagemaker-mlops/static/") for entry in made)
    assert all("?v=" in entry["bundle_url"] for entry in made)
