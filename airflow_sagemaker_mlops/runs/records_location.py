"""Where records are, by the arguments of a caller: :class:`RecordsLocation`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..records.store.index import READERS
from ..records.store.open import open_store
from ..records.store.protocol import Store
from .clients import client_of, local_aws_clients, started
from .errors import Argument, RunError
from .recording import folder_of_runs, records_location


@dataclass(frozen=True, slots=True)
class RecordsLocation:
    """The location of the records, and the AWS that they are about.

    :param location: ``s3://bucket/prefix`` or a folder; by default that of the embedded AWS, or of runs on
        ``aws_conn_id``
    :param state_dir: state folder of the embedded AWS
    """

    location: str | None
    aws_conn_id: str | None = None
    region_name: str | None = None
    state_dir: Path | None = None

    def open(self) -> Store:
        """The store.  Raises :class:`RunError` for unusable arguments, :class:`RecordError` for unusable locations."""
        return open_store(self._known(), lambda: self.client("s3"))

    def _known(self) -> str:
        if self.location is not None:
            return self.location
        if self.aws_conn_id is None:
            return records_location(started(self.state_dir).bucket)
        folder = folder_of_runs(self.aws_conn_id, self.state_dir)
        if not folder.is_dir():
            raise RunError(
                "{conn} needs the location of the records: add {location}. This machine has no records of runs with "
                "{given}.",
                conn=Argument("aws_conn_id"),
                location=Argument("location", "s3://bucket/prefix"),
                given=Argument("aws_conn_id", self.aws_conn_id),
            )
        return str(folder)

    @property
    def is_local_aws(self) -> bool:
        """Whether the records are about runs on the embedded AWS."""
        return self.aws_conn_id is None and (self.state_dir is not None or self.location is None)

    @property
    def is_in_local_aws(self) -> bool:
        """Whether the records are stored in the S3 of the embedded AWS."""
        return self.is_local_aws and (self.location is None or self.location.startswith("s3://"))

    def client(self, service: str) -> Any:
        """A client for the AWS that the records are about: the embedded AWS, the connection's, or boto3's default."""
        if self.is_local_aws:
            return local_aws_clients(started(self.state_dir)).client(service)
        from botocore.config import Config

        return client_of(service, self.aws_conn_id, self.region_name, config=Config(max_pool_connections=READERS))
