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
from collections.abc import Callable
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


class NotReady(Exception):
    """A point of the list that does not hold, as a sentence with what to do."""


def tag_is_the_version(tag: str) -> None:
    """The tag names the version of the package."""
    from airflow_sagemaker_mlops.version import __version__

    if tag != f"v{__version__}":
        raise NotReady(
            f"The tag is {tag} and the package has version {__version__}. Change airflow_sagemaker_mlops/version.py."
        )


def changelog_has_the_version(tag: str) -> None:
    """The changelog has a dated section of the version, and the first section is it."""
    sections = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    if not sections or not re.fullmatch(rf"{re.escape(tag[1:])} \(\d{{4}}-\d\d-\d\d\)", sections[0]):
        raise NotReady(f'CHANGELOG.md begins with "{"".join(sections[:1])}". Name it "{tag[1:]} (YYYY-MM-DD)".')


def nothing_is_uncommitted(_tag: str) -> None:
    """The checkout is what was committed."""
    changed = _output("git", "status", "--porcelain")
    if changed:
        raise NotReady(f"These files differ from the commit:\n{changed}")


def site_is_built(tag: str) -> None:
    """The documentation site builds without a dead link, and the generated pages are those of the commit."""
    _run("make", "docs")
    nothing_is_uncommitted(tag)


def tests_pass(_tag: str) -> None:
    """Format, lint, types and all tests."""
    _run("make", "test")


def distributions_are_built(_tag: str) -> None:
    """Wheel and sdist with bill of materials and checksums."""
    _run("make", "dist")
    for line in (ROOT / "dist" / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split()
        if hashlib.sha256((ROOT / "dist" / name).read_bytes()).hexdigest() != digest:
            raise NotReady(f"The checksum of dist/{name} is not that of the file.")
    with zipfile.ZipFile(_wheel()) as wheel:
        if not any(name.endswith("/sboms/sbom.cdx.json") for name in wheel.namelist()):
            raise NotReady(f"{_wheel().name} has no bill of materials.")


def wheel_names_the_addresses(_tag: str) -> None:
    """The wheel names the repository and the documentation that the environment names."""
    try:
        given = [address(name, os.environ.get(name, "")) for name in (REPOSITORY, DOCUMENTATION)]
    except ValueError as error:
        raise NotReady(str(error)) from None
    with zipfile.ZipFile(_wheel()) as wheel:
        name = next(name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
        named = message_from_bytes(wheel.read(name)).get_all("Project-URL") or []
    wanted = [f"{label}, {url}" for label, url in project_urls(*given).items()]
    if sorted(named) != sorted(wanted):
        raise NotReady(f"{_wheel().name} has the addresses {named} instead of {wanted}. Run `make dist` again.")
    if not all(given):
        print(f"    Without {REPOSITORY} and {DOCUMENTATION}, a package index shows no links.")


def wheel_works_alone(tag: str) -> None:
    """In an environment of its own, outside the checkout, the wheel installs and its command works."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        venv.create(place / "venv", with_pip=True)
        bin_ = place / "venv" / "bin"
        constraints = str(ROOT / "constraints.txt")
        _run(bin_ / "pip", "install", "--quiet", "-c", constraints, f"{_wheel()}[local]", cwd=place)
        if tag[1:] not in _output(bin_ / "sagemaker-mlops", "--version", cwd=place):
            raise NotReady(f"sagemaker-mlops --version does not say {tag[1:]}.")
        (place / "pipeline.yaml").write_text(SMALLEST)
        _run(bin_ / "sagemaker-mlops", "check", "pipeline.yaml", cwd=place)


POINTS: tuple[Callable[[str], None], ...] = (
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
    tag = parser.parse_args().tag
    for number, point in enumerate(POINTS, 1):
        print(f"{number}/{len(POINTS)} {point.__doc__}", flush=True)
        try:
            point(tag)
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


def _run(*command: str | Path, cwd: Path = ROOT) -> None:
    subprocess.run([*map(str, command)], cwd=cwd, check=True)


def _output(*command: str | Path, cwd: Path = ROOT) -> str:
    done = subprocess.run([*map(str, command)], cwd=cwd, check=True, capture_output=True, text=True)
    return done.stdout.strip()


if __name__ == "__main__":
    raise SystemExit(main())
