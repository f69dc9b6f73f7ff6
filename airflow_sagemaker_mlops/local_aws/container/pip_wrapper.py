"""``pip`` inside a job: installs into the job's own folder, and skips requirements that are satisfied.

The job's interpreter runs this file by path; it imports the standard library only, not the package.
"""

import importlib.metadata
import os
import subprocess
import sys


def main() -> None:
    """Act as pip."""
    words = sys.argv[1:]
    if words[:1] == ["uninstall"]:
        print("pip uninstall: nothing was removed, because a job cannot change the shared interpreter")
        return
    files = [words[i + 1] for i, word in enumerate(words[:-1]) if word in ("-r", "--requirement")]
    if words[:1] == ["install"] and files and all(_satisfied(name) for name in files):
        print(f"Requirements already satisfied: {', '.join(files)}")
        return
    command = [sys.executable, "-m", "pip", *words]
    if importlib.util.find_spec("pip") is None:
        command = ["uv", "pip", "install", "--python", sys.executable, "--target", os.environ["PIP_TARGET"], *words[1:]]
    sys.exit(subprocess.run(command, check=False).returncode)


def _satisfied(name: str) -> bool:
    try:
        from packaging.requirements import InvalidRequirement, Requirement
    except ImportError:
        return False
    try:
        with open(name, encoding="utf-8") as lines:
            for line in lines:
                text = line.partition("#")[0].strip()
                if not text:
                    continue
                wanted = Requirement(text)
                if wanted.marker is not None and not wanted.marker.evaluate():
                    continue
                if not wanted.specifier.contains(importlib.metadata.version(wanted.name), prereleases=True):
                    return False
    except (OSError, InvalidRequirement, importlib.metadata.PackageNotFoundError):
        return False
    return True


if __name__ == "__main__":
    import importlib.util

    main()
