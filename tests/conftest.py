"""Fixtures that several rooms share.

Airflow reads its home when it is imported, so the home of the tests is set here, before anything imports it.
"""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import botocore.session
import pytest

_HOME = tempfile.mkdtemp(prefix="airflow-home-")
atexit.register(shutil.rmtree, _HOME, ignore_errors=True)
for _name in [name for name in os.environ if name.startswith(("AIRFLOW", "AWS_"))]:
    del os.environ[_name]
os.environ.update(
    {
        "AIRFLOW_HOME": _HOME,
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_DEFAULT_REGION": "us-east-1",
        "NO_PROXY": "127.0.0.1,localhost",
    }
)

from airflow_sagemaker_mlops import local_aws as local  # noqa: E402

# A session reads the models of its services from files: a quarter of a second for SageMaker, and tests make a thousand
# sessions.  Here they share one reader, which keeps what it has read.
botocore.session.create_loader = functools.cache(botocore.session.create_loader)  # type: ignore[attr-defined]

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def corpus() -> Path:
    """Real definitions of other people, when they are there."""
    folder = Path(os.environ.get("SAGEMAKER_MLOPS_CORPUS") or ROOT.parent / "shared" / "corpus")
    if not folder.is_dir():
        pytest.skip("the corpus of definitions is not beside this checkout")
    return folder


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[local.LocalAws]:
    """An embedded AWS for the whole session."""
    state_dir = tmp_path_factory.mktemp("aws")
    yield local.start(state_dir)
    local.stop(state_dir)


@pytest.fixture(scope="session")
def sdk_session() -> SimpleNamespace:
    """As much of a session as the SageMaker SDK's pipeline classes ask for; it leads nowhere."""
    import boto3

    return SimpleNamespace(
        boto_session=boto3.Session(region_name="us-east-1"),
        boto_region_name="us-east-1",
        sagemaker_client=None,
        sagemaker_config=None,
        settings=None,
        local_mode=False,
        default_bucket=lambda: "bucket",
    )
