"""Every route with data asks Airflow's auth manager; only pages without data are open."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi")

from fastapi import HTTPException
from fastapi.routing import APIRoute

from airflow_sagemaker_mlops.ui.api.app import PUBLIC, ROUTERS, build_app
from airflow_sagemaker_mlops.ui.api.guards import DAG_GUARDS, LIST_GUARDS, readable_dags

GUARDED = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]


@pytest.mark.parametrize("route", GUARDED, ids=lambda route: route.path)
def test_every_route_with_data_has_a_guard(route: APIRoute) -> None:
    calls = {dependency.call for dependency in route.dependant.dependencies}
    parameters = {parameter.name for parameter in [*route.dependant.query_params, *route.dependant.path_params]}
    asks_for_the_dag = set(DAG_GUARDS) <= calls and "dag_id" in parameters
    assert asks_for_the_dag or set(LIST_GUARDS) & calls


def test_only_the_page_without_data_is_open() -> None:
    routes = [route for router in PUBLIC for route in router.routes if isinstance(route, APIRoute)]
    assert {route.path for route in routes} == {"/page"}
    assert {getattr(route, "path", "") for route in build_app().routes} >= {"/api/run", "/page", "/static"}


class NoXComs:
    """An auth manager of a user who may read one DAG, but no XComs."""

    def is_authorized_dag(self, *, access_entity: Any, **_: Any) -> bool:
        return bool(access_entity.value != "XCOM")

    def get_authorized_dag_ids(self, **_: Any) -> set[str]:
        return {"daily"}


def test_lists_are_closed_to_those_who_lack_a_right_that_airflows_own_lists_take(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("airflow_sagemaker_mlops.ui.api.guards.get_auth_manager", NoXComs)
    with pytest.raises(HTTPException) as refused:
        readable_dags(None)  # type: ignore[arg-type]
    assert refused.value.status_code == 403


def test_the_documentation_names_every_route_for_its_readers() -> None:
    page = (Path(__file__).parents[3] / "docs" / "airflow-ui.md").read_text()
    named = {
        f"/{route}" for row in re.findall(r"^\| `/sagemaker-mlops/.*", page, re.MULTILINE) for route in _routes(row)
    }
    assert {getattr(route, "path", "").removeprefix("/api") for route in build_app().routes} == named


def _routes(row: str) -> list[str]:
    cell = row.split("|")[1]
    found = re.findall(r"`/(?:sagemaker-mlops/)?(?:api/)?([a-z/]+)[^`]*`", cell)
    return [route.rstrip("/") for route in found]
