"""What the plugin registers on each version of Airflow; no other module of this package checks the version.

3.0         ignores all of it: people open the page that the task ``pipeline.status`` links to
3.1 to 3.3  tabs on every DAG; a tab on another DAG says that it is not a SageMaker pipeline
3.4         ``applies_to`` hides the tabs of other DAGs; the asset of a model has its page, the overview of a DAG a
            card, and a DAG run a button (run on 3.4.0b2, which ignores buttons; those are from its documentation)

An unknown ``destination`` makes Airflow drop the whole plugin, with one line in the log (3.3.2).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..airflow_versions import AIRFLOW
from ..links import base_path
from ..version import __version__

Version = tuple[int, int]
TABS = (3, 1)
SCOPED = (3, 4)
NEVER = (99, 0)
OUR_DAGS = {"dag.tags.name": ["sagemaker"]}  # the tag that the factory gives


@dataclass(frozen=True, slots=True)
class App:
    """A component that Airflow renders inside one of its pages.

    name          title of its tab, and the global under which its script publishes the component
    script        file in ``static/``
    destination   nav, dag, dag_run, task, task_instance, base or dashboard; from 3.4 also asset, dag_overview
                  and task_overview
    route         last part of its address, unique over all plugins; "" for components inside pages of Airflow's own
    since, until  the first Airflow version that gets it, and the first that no longer does
    applies_to    which pages of Airflow show it from 3.4, e.g. ``OUR_DAGS``
    """

    name: str
    script: str
    destination: str
    route: str = ""
    since: Version = TABS
    until: Version = NEVER
    applies_to: Mapping[str, Sequence[str]] | None = None
    nav_top_level: bool = False


APPS: tuple[App, ...] = (
    App("Decision", "run.js", "dag_run", "sagemaker-run", applies_to=OUR_DAGS),
    App("SageMaker step", "task.js", "task_instance", "sagemaker-task", applies_to=OUR_DAGS),
    App("Pipeline", "dag.js", "dag", "sagemaker-pipeline", applies_to=OUR_DAGS),
    App("Models", "models.js", "nav", "sagemaker-models"),
    App("SageMaker models", "home.js", "dashboard"),
    App("Models", "models.js", "asset", "sagemaker-models-of-asset", since=SCOPED),
    App("SageMaker pipeline", "home.js", "dag_overview", since=SCOPED, applies_to=OUR_DAGS),
)
# Buttons beside Airflow's own.  An action has no other keys than these four, so its component looks at the DAG's tags.
ACTIONS: tuple[App, ...] = (App("Decision of the run", "home.js", "dag_run", since=SCOPED),)


def entries(kind: str, airflow: Version | None = None, apps: Sequence[App] | None = None) -> list[dict[str, Any]]:
    """The plugin's entries of ``kind`` ("react_apps", "external_views" or "ui_actions") on this or another Airflow."""
    version = airflow or (AIRFLOW[0], AIRFLOW[1])
    if kind == "ui_actions":
        return [{"action_type": "react", **_component(one)} for one in ACTIONS if one.since <= version < one.until]
    if kind != "react_apps":
        return []
    chosen = (app for app in (APPS if apps is None else apps) if app.since <= version < app.until)
    return [_entry(app, version) for app in chosen]


def _component(app: App) -> dict[str, Any]:
    # 3.1 and 3.2 import ``bundle_url`` unchanged, so an address relative to the page would not work there.
    address = f"{base_path()}/sagemaker-mlops/static/{app.script}?v={__version__}"
    return {"name": app.name, "bundle_url": address, "destination": app.destination}


def _entry(app: App, version: Version) -> dict[str, Any]:
    entry = _component(app)
    if app.route:
        entry["url_route"] = app.route
    if app.nav_top_level:
        entry["nav_top_level"] = True
    if version >= SCOPED and app.applies_to is not None:
        entry["applies_to"] = {path: list(values) for path, values in app.applies_to.items()}
    return entry
