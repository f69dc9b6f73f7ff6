from __future__ import annotations

from contextlib import ExitStack

import pytest
from airflow_deployment import PATIENCE_S, Deployment, deployed

from airflow_sagemaker_mlops.local_aws import LocalAws


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that wait for whole runs may outlast a machine that is busy with something else."""
    for item in items:
        if item.get_closest_marker("deployment"):
            item.add_marker(pytest.mark.timeout(2 * PATIENCE_S))


_UP = ExitStack()
_DEPLOYMENTS: list[Deployment] = []


@pytest.fixture
def deployment(aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """One Airflow for all tests of this folder."""
    if not _DEPLOYMENTS:
        _DEPLOYMENTS.append(_UP.enter_context(deployed(tmp_path_factory.mktemp("deployment"), aws)))
    return _DEPLOYMENTS[0]


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """End the Airflow with the last test of the folder: idle, it takes a fifth of a core from the tests behind it.

    Pytest ends fixtures of the scope "package" with the session where a folder is no package.
    """
    if nextitem is None or nextitem.path.parent != item.path.parent:
        _DEPLOYMENTS.clear()
        _UP.close()
