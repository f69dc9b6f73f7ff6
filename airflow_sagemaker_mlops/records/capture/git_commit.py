"""The git commit of a definition."""

from __future__ import annotations

import subprocess
from pathlib import Path

from ...execution.secret_masking import mask
from ..model.step_record import Code

PATIENCE_S = 5.0


def commit_of(file: Path) -> Code | None:
    """Repository and commit of ``file``, and whether tracked files are modified; ``None`` without git."""
    folder = file.absolute().parent
    commit = _git(folder, "rev-parse", "HEAD")
    if not commit:
        return None
    changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
    remote = _git(folder, "config", "--get", "remote.origin.url") or ""
    return Code(repository=str(mask(remote)), commit=commit, dirty=None if changed is None else bool(changed))


def _git(folder: Path, *words: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *words], capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
