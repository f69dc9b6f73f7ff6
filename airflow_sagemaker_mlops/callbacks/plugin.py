"""The Airflow plugin that mounts the completion endpoint."""

from __future__ import annotations

from typing import Any

from airflow.plugins_manager import AirflowPlugin

URL_PREFIX = "/sagemaker-callbacks"


class _OnlyInTheApiServer:
    """The plugin's FastAPI applications, created on first use, because every Airflow process loads its plugins."""

    def __get__(self, plugin: object, owner: object = None) -> list[dict[str, Any]]:
        from .api import app

        return [{"app": app, "url_prefix": URL_PREFIX, "name": "SageMaker callbacks"}]


class _HostsOfTheApiServer:
    """The check of ``Host``, created on first use."""

    def __get__(self, plugin: object, owner: object = None) -> list[dict[str, Any]]:
        from .hosts import middlewares

        return middlewares()


class SageMakerCallbacksPlugin(AirflowPlugin):
    """Mounts the endpoint for answers to Callback steps."""

    name = "sagemaker_callbacks"
    fastapi_apps = _OnlyInTheApiServer()
    fastapi_root_middlewares = _HostsOfTheApiServer()
