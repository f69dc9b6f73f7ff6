"""The Airflow plugin behind the pages.  Every Airflow process loads it, so everything is created on first use."""

from __future__ import annotations

import functools
from typing import Any

from airflow.plugins_manager import AirflowPlugin

URL_PREFIX = "/sagemaker-mlops"


class _OnFirstUse:
    """One attribute of the plugin, created when Airflow reads it."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, plugin: object, owner: object = None) -> list[dict[str, Any]]:
        return _applications() if self._name == "fastapi_apps" else _entries(self._name)


@functools.cache
def _applications() -> list[dict[str, Any]]:
    from .api.app import build_app

    return [{"app": build_app(), "url_prefix": URL_PREFIX, "name": "SageMaker MLOps"}]


def _entries(kind: str) -> list[dict[str, Any]]:
    from .registered import entries

    return entries(kind)


class SageMakerUiPlugin(AirflowPlugin):
    """Adds tabs to runs, tasks and DAGs, and the API that they read."""

    name = "sagemaker_mlops"
    fastapi_apps = _OnFirstUse("fastapi_apps")
    react_apps = _OnFirstUse("react_apps")
    external_views = _OnFirstUse("external_views")
    ui_actions = _OnFirstUse("ui_actions")
