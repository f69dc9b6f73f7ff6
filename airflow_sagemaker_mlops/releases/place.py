"""Where Airflow reads a stage's DAG files: one zip file, in an S3 bucket or in a folder, replaced as a whole."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ..s3 import NEW, S3Client
from .errors import ReleaseError
from .objects import Objects, Stored


class Place(Protocol):
    """The place of a stage's zip file."""

    @property
    def uri(self) -> str:
        """Its location, as shown to users."""

    def current(self) -> Stored | None:
        """The current file; ``None`` if there is none."""

    def put(self, data: bytes, there: Stored | None) -> bool:
        """Replace ``there`` with ``data``; ``False`` if the file has changed since."""


def place_of(s3: S3Client, dags: str, project: str, root: Path) -> Place:
    """The place of a project's zip file in ``dags`` of the stage's configuration.

    :param root: folder of the project, to which a folder is relative
    """
    if dags.startswith("s3://"):
        return S3Place(Objects(s3, dags), f"{project}.zip")
    return FolderPlace((root / dags).absolute(), f"{project}.zip")


@dataclass(frozen=True, slots=True)
class S3Place:
    """An object in S3: a DAG bucket of MWAA, or one that an S3 DAG bundle reads."""

    objects: Objects
    name: str

    @property
    def uri(self) -> str:
        """Where it is."""
        return self.objects.uri(self.name)

    def current(self) -> Stored | None:
        """The current object."""
        return self.objects.head(self.name)

    def put(self, data: bytes, there: Stored | None) -> bool:
        """Replace the object."""
        condition = {"IfMatch": there.etag} if there is not None else NEW
        return self.objects.write(self.name, data, condition)


@dataclass(frozen=True, slots=True)
class FolderPlace:
    """A file in a folder: a shared volume, or a checkout of the repository that a Git DAG bundle reads."""

    folder: Path
    name: str

    @property
    def uri(self) -> str:
        """Where it is."""
        return str(self.folder / self.name)

    def current(self) -> Stored | None:
        """The current file."""
        try:
            digest = hashlib.sha256((self.folder / self.name).read_bytes()).hexdigest()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ReleaseError(f"{self.uri} cannot be read: {error.strerror}.") from None
        return Stored(digest, digest)

    def put(self, data: bytes, there: Stored | None) -> bool:
        """Replace the file by renaming another one."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with self._locked():
                if self.current() != there:
                    return False
                part = self.folder / f"{self.name}.part"
                with part.open("wb") as file:
                    # Airflow reads every complete zip file in the folder as DAGs, so this one is completed last.
                    file.write(data[:-1])
                    file.flush()
                    os.fsync(file.fileno())
                    file.write(data[-1:])
                part.replace(self.folder / self.name)
        except OSError as error:
            raise ReleaseError(f"{self.uri} cannot be written: {error.strerror}.") from None
        return True

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with (self.folder / f".{self.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
