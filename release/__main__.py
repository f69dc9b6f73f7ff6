"""Goes through the checklist and stops at the first point that does not hold; leaves the distributions in dist/."""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import subprocess
import sys
import tempfile
import venv
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email import message_from_bytes
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
from release.addresses import DOCUMENTATION, REPOSITORY, address, project_urls  # noqa: E402

SMALLEST = """\
Version: "2020-12-01"
Steps:
  - {Name: Stop, Type: Fail, Arguments: {ErrorMessage: checked}}
"""


@dataclass(frozen=True, slots=True)
class Release:
    """What is released: ``vX.Y.Z``, and the addresses of repository and documentation, "" if there are none."""

    tag: str
    repository: str = ""
    documentation: str = ""


class NotReady(Exception):
    """A point of the list that does not hold, as a sentence with what to do."""


def tag_is_the_version(release: Release) -> None:
    """The tag names the version of the package."""
    from airflow_sagemaker_mlops.version import __version__

    if release.tag != f"v{__version__}":
        raise NotReady(
            f"The tag is {release.tag} and the package has version {__version__}. "
            f"Change airflow_sagemaker_mlops/version.py."
        )


def changelog_has_the_version(release: Release) -> None:
    """The changelog has a dated section of the version, and the first section is it."""
    version = release.tag[1:]
    sections = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    if not sections or not re.fullmatch(rf"{re.escape(version)} \(\d{{4}}-\d\d-\d\d\)", sections[0]):
        raise NotReady(f'CHANGELOG.md begins with "{"".join(sections[:1])}". Name it "{version} (YYYY-MM-DD)".')


def nothing_is_uncommitted(_release: Release) -> None:
    """The checkout is what was committed."""
    changed = _output("git", "status", "--porcelain")
    if changed:
        raise NotReady(f"These files differ from the commit:\n{changed}")


def site_is_built(release: Release) -> None:
    """The documentation site builds without a dead link, and the generated pages are those of the commit."""
    _run("make", "docs")
    nothing_is_uncommitted(release)


def tests_pass(_release: Release) -> None:
    """Format, lint, types and all tests."""
    _run("make", "test")


def distributions_are_built(release: Release) -> None:
    """Wheel and sdist with bill of materials and checksums."""
    _run("make", "dist", env={REPOSITORY: release.repository, DOCUMENTATION: release.documentation})
    for line in (ROOT / "dist" / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split()
        if hashlib.sha256((ROOT / "dist" / name).read_bytes()).hexdigest() != digest:
            raise NotReady(f"The checksum of dist/{name} is not that of the file.")
    with zipfile.ZipFile(_wheel()) as wheel:
        if not any(name.endswith("/sboms/sbom.cdx.json") for name in wheel.namelist()):
            raise NotReady(f"{_wheel().name} has no bill of materials.")


def wheel_names_the_addresses(release: Release) -> None:
    """The wheel names the repository and the documentation."""
    with zipfile.ZipFile(_wheel()) as wheel:
        name = next(name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
        named = sorted(message_from_bytes(wheel.read(name)).get_all("Project-URL") or [])
    urls = project_urls(release.repository, release.documentation)
    wanted = sorted(f"{label}, {url}" for label, url in urls.items())
    if named != wanted:
        raise NotReady(f"{_wheel().name} has the addresses {named} instead of {wanted}.")
    if not (release.repository and release.documentation):
        print("    Without REPOSITORY= and DOCUMENTATION=, a package index shows no links.", flush=True)


def wheel_works_alone(release: Release) -> None:
    """In an environment of its own, outside the checkout, the wheel installs and its command works."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        venv.create(place / "venv", with_pip=True)
        bin_ = place / "venv" / "bin"
        constraints = str(ROOT / "constraints.txt")
        _run(bin_ / "pip", "install", "--quiet", "-c", constraints, f"{_wheel()}[local]", cwd=place)
        version = release.tag[1:]
        if version not in _output(bin_ / "sagemaker-mlops", "--version", cwd=place):
            raise NotReady(f"sagemaker-mlops --version does not say {version}.")
        (place / "pipeline.yaml").write_text(SMALLEST)
        _run(bin_ / "sagemaker-mlops", "check", "pipeline.yaml", cwd=place)


POINTS: tuple[Callable[[Release], None], ...] = (
    tag_is_the_version,
    changelog_has_the_version,
    nothing_is_uncommitted,
    site_is_built,
    tests_pass,
    distributions_are_built,
    wheel_names_the_addresses,
    wheel_works_alone,
)


def main() -> int:
    """Exits with 1 at the first point that does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tag", required=True, help="vX.Y.Z")
    parser.add_argument("--repository", default="", help="https address of the repository, for the packages' metadata")
    parser.add_argument("--documentation", default="", help="https address of the documentation site, likewise")
    options = parser.parse_args()
    try:
        release = Release(
            options.tag, address("--repository", options.repository), address("--documentation", options.documentation)
        )
    except ValueError as error:
        parser.error(str(error))
    for number, point in enumerate(POINTS, 1):
        print(f"{number}/{len(POINTS)} {point.__doc__}", flush=True)
        try:
            point(release)
        except NotReady as error:
            print(f"Not ready: {error}", file=sys.stderr)
            return 1
        except subprocess.CalledProcessError as error:
            print(f"Not ready: {error.cmd[0]} exited with {error.returncode}.", file=sys.stderr)
            return 1
    print(f"Ready: {', '.join(sorted(file.name for file in (ROOT / 'dist').iterdir()))}")
    return 0


def _wheel() -> Path:
    return next((ROOT / "dist").glob("*.whl"))


def _run(*command: str | Path, cwd: Path = ROOT, env: Mapping[str, str] | None = None) -> None:
    subprocess.run([*map(str, command)], cwd=cwd, check=True, env={**os.environ, **(env or {})})


def _output(*command: str | Path, cwd: Path = ROOT) -> str:
    done = subprocess.run([*map(str, command)], cwd=cwd, check=True, capture_output=True, text=True)
    return done.stdout.strip()


if __name__ == "__main__":
    raise SystemExit(main())
