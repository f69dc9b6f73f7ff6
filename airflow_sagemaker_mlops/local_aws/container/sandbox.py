"""Shows a job its folder as ``/opt/ml``: with a mount namespace, or by rewriting the path in all its inputs.

Neither is a security boundary: scripts run as the user.
"""

from __future__ import annotations

import gzip
import io
import json
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ..state import read_config

ENTER = Path(__file__).with_name("enter_namespace.py")
REFUSED = 97  # enter_namespace.py's exit code when the system forbids namespaces
CODE_ENDINGS = frozenset(
    {".py", ".sh", ".json", ".yaml", ".yml", ".txt", ".cfg", ".ini", ".toml", ".r", ".R", ".conf", ".env", ".ipynb", ""}
)
MAX_CODE_BYTES = 2_000_000


@dataclass(frozen=True, slots=True)
class Sandbox:
    """The sandbox of one job; its mode decides how paths are translated."""

    mode: Literal["namespace", "rewrite"]
    root: Path

    def translate(self, path: str) -> str:
        """The job's name for a path below /opt/ml."""
        return path if self.mode == "namespace" else path.replace("/opt/ml", str(self.root))

    def command(self, command: list[str]) -> list[str]:
        """The command line that runs ``command`` in the sandbox."""
        if self.mode == "namespace":
            return [sys.executable, "-I", "-S", str(ENTER), str(self.root), *command]
        return [self.translate(word) for word in command]

    def environment(self, environment: dict[str, str]) -> dict[str, str]:
        """``environment`` as the job receives it."""
        if self.mode == "namespace":
            return environment
        return {key: self.translate(value) for key, value in environment.items()}

    def rewrite_config(self, folder: Path) -> None:
        """Rewrite the JSON files that the platform itself wrote."""
        if self.mode == "rewrite":
            for path in folder.rglob("*.json"):
                path.write_text(self.translate(path.read_text()))

    def rewrite_code(self, folder: Path) -> None:
        """Rewrite the text files of a code input, including those in tarballs.  Never used on data."""
        if self.mode != "rewrite" or not folder.exists():
            return
        for path in sorted(folder.rglob("*")):
            if not path.is_file() or path.is_symlink():
                continue
            if path.name.endswith((".tar.gz", ".tgz")):
                self._rewrite_tarball(path)
            elif path.suffix in CODE_ENDINGS and path.stat().st_size <= MAX_CODE_BYTES:
                content = path.read_bytes()
                changed = self._rewritten(content)
                if changed != content:
                    path.write_bytes(changed)

    def _rewritten(self, content: bytes) -> bytes:
        return content if b"\0" in content else content.replace(b"/opt/ml", str(self.root).encode())

    def _rewrite_tarball(self, path: Path) -> None:
        buffer = io.BytesIO()
        try:
            with tarfile.open(path) as old, tarfile.open(fileobj=buffer, mode="w:gz") as new:
                for member in old.getmembers():
                    inside = old.extractfile(member) if member.isfile() else None
                    if inside is None:
                        new.addfile(member)
                        continue
                    content = inside.read()
                    if Path(member.name).suffix in CODE_ENDINGS and len(content) <= MAX_CODE_BYTES:
                        content = self._rewritten(content)
                    member.size = len(content)
                    new.addfile(member, io.BytesIO(content))
        except (tarfile.TarError, gzip.BadGzipFile, EOFError):
            return  # not an archive: the job will fail with its own error
        path.write_bytes(buffer.getvalue())


def choose_sandbox(state_dir: Path, root: Path) -> Sandbox:
    """The sandbox of a job: the configured mode, else namespaces if a real mount succeeds, else rewriting."""
    wanted = read_config(state_dir).get("sandbox", "auto")
    if wanted in ("namespace", "rewrite"):
        return Sandbox(wanted, root)
    return Sandbox("namespace" if _namespaces_work(state_dir) else "rewrite", root)


def _namespaces_work(state_dir: Path) -> bool:
    """Whether namespaces work on this system, found by a real mount, because a system may allow only part of it."""
    cache_file = state_dir / "sandbox.json"
    known = _read(cache_file)
    if known is not None:
        return bool(known.get("namespace"))
    works = probe_namespaces()
    cache_file.write_text(json.dumps({"namespace": works}))
    return works


def _read(path: Path) -> dict[str, Any] | None:
    try:
        data: dict[str, Any] = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return data


def probe_namespaces() -> bool:
    """Whether mounting a folder as /opt/ml succeeds."""
    if not sys.platform.startswith("linux"):
        return False
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "here").touch()
        command = [sys.executable, "-I", "-S", str(ENTER), folder, "test", "-e", "/opt/ml/here"]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
