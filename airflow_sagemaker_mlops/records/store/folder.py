"""Records in a local folder or on a file share, for ``file:`` locations and tests."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ...paths import UnsafePath, inside
from ..model.errors import StoreUnavailable
from .protocol import MAX_BYTES, Stored, too_large

LOCK = ".lock"
WRITTEN = ".written"  # holds files while they are written; no DAG's folder begins with a dot


@dataclass(frozen=True, slots=True)
class FolderStore:
    """:class:`Store` over files; each appears whole or not at all, and only once."""

    root: Path

    @property
    def base(self) -> str:
        """The folder."""
        return str(self.root)

    def read(self, key: str) -> Stored | None:
        """The file; ``None`` if it does not exist."""
        try:
            path = self._path(key)
            if (size := path.stat().st_size) > MAX_BYTES:
                raise StoreUnavailable(f"cannot read {path}: {too_large(size)}.")
            data = path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise self._refused("read", key, error) from None
        return Stored(data, hashlib.sha256(data).hexdigest())

    def create(self, key: str, data: bytes) -> bool:
        """Write a new file; ``False`` if it exists."""
        with self._written(key, data) as new:
            try:
                os.link(new, self._path(key))  # like O_EXCL, it fails if the name is taken; the content is complete
            except FileExistsError:
                return False
        return True

    def replace(self, key: str, data: bytes, tag: str | None) -> bool:
        """Replace the content that has ``tag``.  A lock file serializes the writers of a folder."""
        with self._locked():
            there = self.read(key)
            if (there.tag if there else None) != tag:
                return False
            self.write(key, data)
        return True

    def write(self, key: str, data: bytes) -> None:
        """Write, replacing any existing file."""
        with self._written(key, data) as new:
            os.replace(new, self._path(key))

    def delete(self, key: str) -> None:
        """Delete the file, if it exists."""
        try:
            self._path(key).unlink(missing_ok=True)
        except OSError as error:
            raise self._refused("delete", key, error) from None

    def keys(self, prefix: str) -> Iterator[str]:
        """All files with this prefix, whatever their names, sorted as S3 sorts keys."""
        folder = self.root / prefix.rpartition("/")[0]
        found = []
        for place, folders, names in os.walk(folder, onerror=self._walk_failed):
            names += [name for name in folders if os.path.islink(os.path.join(place, name))]  # not ours
            under = Path(place).relative_to(self.root).as_posix()
            found += [name if under == "." else f"{under}/{name}" for name in names]
        found = [key for key in found if key != LOCK and not key.startswith(f"{WRITTEN}/")]
        yield from sorted((key for key in found if key.startswith(prefix)), key=os.fsencode)

    def folders(self) -> Iterator[str]:
        """The folders directly below the base."""
        try:
            names = (entry.name for entry in os.scandir(self.root) if entry.is_dir())
            yield from sorted(name for name in names if name != WRITTEN)
        except FileNotFoundError:
            return
        except OSError as error:
            raise self._refused("list", "", error) from None

    def _path(self, key: str) -> Path:
        try:
            return inside(self.root, key)
        except UnsafePath as error:
            raise StoreUnavailable(f"no record can have this path: {error}.") from None

    @contextlib.contextmanager
    def _written(self, key: str, data: bytes) -> Iterator[str]:
        """A temporary file with the content, to be linked or renamed to ``key``."""
        path = self._path(key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            (self.root / WRITTEN).mkdir(exist_ok=True)
            handle, new = tempfile.mkstemp(dir=self.root / WRITTEN)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                yield new
            finally:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(new)
        except OSError as error:
            raise self._refused("write", key, error) from None

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        import fcntl

        try:
            self.root.mkdir(parents=True, exist_ok=True)
            with open(self.root / LOCK, "w") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                yield
        except OSError as error:
            raise self._refused("lock", LOCK, error) from None

    def _walk_failed(self, error: OSError) -> None:
        if not isinstance(error, FileNotFoundError | NotADirectoryError):
            raise self._refused("list", "", error) from None

    def _refused(self, what: str, key: str, error: OSError) -> StoreUnavailable:
        return StoreUnavailable(f"cannot {what} {self.root / key}: {error.strerror or error}.")
