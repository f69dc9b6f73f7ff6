"""Runs the notebook of a notebook job, as ``amazon_sagemaker_scheduler`` does in SageMaker's images.

The job's own interpreter runs this file, which imports nothing of the package.  The SDK's ``NotebookJobStep`` passes
its settings in the environment (``SM_INPUT_NOTEBOOK_NAME`` and so on); hyperparameters are the notebook's parameters.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

if TYPE_CHECKING:
    from nbformat import NotebookNode

ROOT = Path("/opt/ml")


def find_notebook(name: str) -> Path:
    """The path of the notebook, in the folder that the SDK names or in any channel.  Fails the job if it is missing."""
    folders = [Path(os.environ.get("SM_EXECUTION_INPUT_PATH", "/nowhere")), *sorted(ROOT.glob("input/data/*"))]
    found = next((folder / name for folder in folders if (folder / name).is_file()), None)
    return found or fail(f"the notebook {name!r} is in none of the job's channels")


def fail(reason: str) -> NoReturn:
    """Write the reason to the failure file, which the platform reads, and exit."""
    (ROOT / "output").mkdir(parents=True, exist_ok=True)
    (ROOT / "output" / "failure").write_text(reason[:1024])
    print(reason, file=sys.stderr)
    sys.exit(1)


def with_parameters(notebook: NotebookNode, values: dict[str, str]) -> None:
    """Insert a cell of assignments after the cell that is tagged "parameters", or as the first cell."""
    if not values:
        return
    cell = nbformat.v4.new_code_cell("\n".join(f"{name} = {value!r}" for name, value in values.items()))
    cell.metadata["tags"] = ["injected-parameters"]
    places = [n for n, c in enumerate(notebook.cells) if "parameters" in c.metadata.get("tags", [])]
    notebook.cells.insert(places[0] + 1 if places else 0, cell)


def kernel_of(notebook: NotebookNode) -> str:
    """The requested kernel, or ``python3`` if this machine does not have it."""
    own = notebook.metadata.get("kernelspec", {}).get("name")
    wanted = str(os.environ.get("SM_KERNEL_NAME") or own or "python3")
    if wanted in KernelSpecManager().find_kernel_specs():
        return wanted
    print(f"[local] the kernel {wanted!r} is not installed; the notebook runs with python3", flush=True)
    return "python3"


def main() -> None:
    """Run the notebook and write its result, even if a cell fails."""
    source = find_notebook(os.environ["SM_INPUT_NOTEBOOK_NAME"])
    script = os.environ.get("SM_INIT_SCRIPT")
    if script and subprocess.run(["/bin/bash", script], cwd=source.parent, check=False).returncode != 0:
        fail(f"the initialization script {script!r} failed")
    notebook = nbformat.read(source, as_version=4)
    configured = ROOT / "input" / "config" / "hyperparameters.json"
    with_parameters(notebook, json.loads(configured.read_text()) if configured.is_file() else {})
    target = ROOT / "output" / "data" / os.environ.get("SM_OUTPUT_NOTEBOOK_NAME", source.name)
    target.parent.mkdir(parents=True, exist_ok=True)
    resources = {"metadata": {"path": str(source.parent)}}
    client = NotebookClient(notebook, timeout=None, kernel_name=kernel_of(notebook), resources=resources)
    try:
        client.execute()
    except CellExecutionError as error:
        print(error, flush=True)
        fail(f"{error.ename}: {error.evalue}")
    finally:
        nbformat.write(notebook, target)
    print(f"[local] {source.name} has run; its result is {target.name} in the job's output", flush=True)


if __name__ == "__main__":
    main()
