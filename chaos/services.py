"""PostgreSQL and Redis of the drill's own: private folders, loopback, passwords that live as long as the drill."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from .machine import as_user, program
from .supervisor import Process

USER = "postgres"
DATABASE = "postgres"


@dataclass(slots=True)
class Services:
    """Where they listen, and what they take for a password."""

    postgres_port: int
    redis_port: int
    password: str = field(default_factory=lambda: secrets.token_hex(16))
    # Not below the checkout: the system user "postgres" may not be able to get there.
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="chaos-postgres-")))

    @property
    def database(self) -> str:
        """SQLAlchemy's address of the metadata database."""
        return f"postgresql+psycopg2://{USER}:{self.password}@127.0.0.1:{self.postgres_port}/{DATABASE}"

    @property
    def broker(self) -> str:
        """Celery's broker."""
        return f"redis://:{self.password}@127.0.0.1:{self.redis_port}/0"

    @property
    def results(self) -> str:
        """Celery's result backend."""
        return f"redis://:{self.password}@127.0.0.1:{self.redis_port}/1"

    def make_database(self) -> None:
        """``initdb``.  Raises ``RuntimeError`` with its words."""
        secret = self.folder / "password"
        secret.write_text(self.password)
        secret.chmod(0o600)
        if os.geteuid() == 0:
            for path in (self.folder, secret):
                shutil.chown(path, USER)
        words = [program("initdb"), "-D", str(self.folder / "data"), "-U", USER, "--no-sync"]
        words += ["--auth=scram-sha-256", f"--pwfile={secret}"]
        done = subprocess.run(
            [*as_user(USER), *words], capture_output=True, text=True, check=False, cwd="/", env={"LC_ALL": "C.UTF-8"}
        )
        if done.returncode:
            raise RuntimeError(f"initdb: {done.stderr[-1000:]}")

    def postgres(self, logs: Path) -> Process:
        """The server; durability is left out, for it is not what is killed."""
        data = str(self.folder / "data")
        words = [program("postgres"), "-D", data, "-p", str(self.postgres_port), "-k", data]
        for option in ("listen_addresses=127.0.0.1", "max_connections=200", "fsync=off", "synchronous_commit=off"):
            words += ["-c", option]
        return Process("postgres", [*as_user(USER), *words], {"LC_ALL": "C.UTF-8"}, logs / "postgres.log")

    def redis(self, logs: Path) -> Process:
        """The server; its configuration comes by standard input, so that no password is in a list of processes."""
        lines = ("bind 127.0.0.1", f"port {self.redis_port}", f"requirepass {self.password}", 'save ""')
        configuration = "".join(f"{line}\n" for line in (*lines, "appendonly no"))
        command = [program("redis-server"), "-"]
        return Process("redis", command, {}, logs / "redis.log", stdin=configuration.encode())

    def forget(self) -> None:
        """Remove the database."""
        shutil.rmtree(self.folder, ignore_errors=True)
