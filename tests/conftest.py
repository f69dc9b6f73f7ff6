"""Fixtures that several rooms share.

Airflow reads its home when it is imported, so the home of the tests is set here, before anything imports it.
"""

from __future__ import annotations

import atexit
import functools
import gc
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import botocore.session
import pytest
import typer.testing

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
# Every test process and every process that a test starts would otherwise compile all modules again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
# A shell has what it runs in the background ignore Ctrl-C, which some tests send to themselves or to what they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

from airflow_sagemaker_mlops import local_aws as local  # noqa: E402
from airflow_sagemaker_mlops.records.store.folder import FolderStore  # noqa: E402
from airflow_sagemaker_mlops.records.store.protocol import Store  # noqa: E402
from airflow_sagemaker_mlops.records.store.s3 import S3Store  # noqa: E402

# A session reads the models of its services from files: a quarter of a second for SageMaker, and tests make a thousand
# sessions.  Here they share one reader, which keeps what it has read.
botocore.session.create_loader = functools.cache(botocore.session.create_loader)  # type: ignore[attr-defined]
# The command line is likewise built once and not for every command that a test gives.
typer.testing._get_command = functools.cache(typer.testing._get_command)

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

    boto_session = boto3.Session(region_name="us-east-1")
    boto_session.client = functools.cache(boto_session.client)  # type: ignore[method-assign]
    return SimpleNamespace(
        boto_session=boto_session,
        boto_region_name="us-east-1",
        sagemaker_client=None,
        sagemaker_config=None,
        settings=None,
        local_mode=False,
        default_bucket=lambda: "bucket",
    )


@pytest.fixture(scope="session")
def airflow_db() -> None:
    """A migrated metadata database in the tests' own home."""
    subprocess.run([sys.executable, "-m", "airflow", "db", "migrate"], check=True, capture_output=True)


@pytest.fixture
def nothing_asleep(aws: local.LocalAws) -> Iterator[None]:
    """Jobs that still run at the end are stopped: they would keep those of other tests waiting for their turn."""
    yield
    client = aws.client("sagemaker")
    for job in client.list_processing_jobs(StatusEquals="InProgress")["ProcessingJobSummaries"]:
        client.stop_processing_job(ProcessingJobName=job["ProcessingJobName"])


@pytest.fixture
def folder(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "records")


@pytest.fixture
def s3(aws: local.LocalAws) -> Any:
    return aws.session().client("s3", endpoint_url=aws.endpoint_url)


@pytest.fixture
def bucket(s3: Any) -> str:
    name = f"records-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name)
    return name


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest) -> Store:
    """Both kinds of store, empty."""
    if request.param == "folder":
        return request.getfixturevalue("folder")
    return S3Store(request.getfixturevalue("s3"), request.getfixturevalue("bucket"), "records")


gc.disable()  # until all modules are imported: they stay, so there is nothing to collect


def pytest_collection_finish() -> None:
    """Leave the million objects of imported modules out of every later collection."""
    gc.freeze()
    gc.enable()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With ``--dist loadfile``, one process gets all of ``tests/deployment``, which share one Airflow."""
    from xdist.scheduler import LoadFileScheduling

    class FilesAndDeployment(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            folder = "tests/deployment/"
            return folder if nodeid.startswith(folder) else super()._split_scope(nodeid)

    return FilesAndDeployment(config, log) if config.getvalue("dist") == "loadfile" else None
