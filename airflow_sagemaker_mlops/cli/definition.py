"""``plan``, ``to-json`` and ``compile``: looking at a definition without running it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Literal

from ..document import load_pipeline, to_json
from ..document.problems import PipelineError
from ..document.step_types import AIRFLOW
from ..plan import make_plan
from ..plan.show import mermaid, tree
from .terminal import write_out

# Runs in a fresh interpreter, so that the SDK and the user's module stay out of this one.
_COMPILE = """
import importlib, importlib.util, pathlib, sys
target, _, name = sys.argv[1].rpartition(":")
sys.path.insert(0, "")
if target.endswith(".py"):
    path = pathlib.Path(target).resolve()
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
else:
    module = importlib.import_module(target)
value = module
for part in name.split("."):
    value = getattr(value, part)
pipeline = value if hasattr(value, "definition") else value()
with open(sys.argv[2], "w") as out:
    out.write(pipeline.definition())
"""


def show_plan(file: Path, form: Literal["tree", "json", "mermaid"]) -> int:
    """Print the plan of ``file``; exit code."""
    try:
        plan = make_plan(load_pipeline(file))
    except PipelineError as error:
        print(error.told(), file=sys.stderr)
        return 1
    match form:
        case "json":
            print(json.dumps(json.loads(plan.to_json()), indent=2, ensure_ascii=False))
        case "mermaid":
            print(mermaid(plan))
        case _:
            print(tree(plan))
    return 0


def show_differences(old: Path, new: Path) -> int:
    """Print what changed from ``old`` to ``new``; exit code 0 when nothing did, 1 when something did, 2 on problems."""
    from ..plan.diff import differences

    try:
        lines = differences(make_plan(load_pipeline(old)), make_plan(load_pipeline(new)))
    except PipelineError as error:
        print(error.told(), file=sys.stderr)
        return 2
    print("\n".join(lines) if lines else "no difference")
    return 1 if lines else 0


def print_rendered(file: Path, dag_id: str | None, out: Path | None) -> int:
    """Print or write ``file`` as an Airflow Python file; exit code."""
    from ..document.positions import locate
    from .render import NotRendered, render, unrenderable
    from .run import dag_id_like, pipeline_name

    if dag_id is not None and dag_id != dag_id_like(dag_id):
        what = "an id of a DAG is 1 to 250 letters, digits, dashes, dots and underscores"
        print(f'--dag-id is "{dag_id}"; {what}, e.g. "{dag_id_like(dag_id)}".', file=sys.stderr)
        return 2
    try:
        pipeline = load_pipeline(file)
        plan = make_plan(pipeline)
        problems = list(unrenderable(pipeline, plan))
        if problems:
            raise NotRendered(str(file), locate(file.read_bytes(), str(file), problems))
    except PipelineError as error:
        print(error.told(), file=sys.stderr)
        return 1
    return write_out(render(plan, dag_id or pipeline_name(file)), out)


def print_policy(file: Path, account: str, region: str, out: Path | None) -> int:
    """Print or write the IAM policy that running ``file`` takes; exit code."""
    from ..steps.permissions import policy

    try:
        pipeline = load_pipeline(file)
    except PipelineError as error:
        print(error.told(), file=sys.stderr)
        return 1
    foreign = [step.name for step in pipeline.steps if step.type == AIRFLOW]
    if foreign:
        print(
            f"What {', '.join(foreign)} may ask of AWS is not in it: an operator of another package.", file=sys.stderr
        )
    return write_out(json.dumps(policy(pipeline, account, region), indent=2) + "\n", out)


def print_json(file: Path, out: Path | None) -> int:
    """Print or write the canonical JSON of ``file``; exit code."""
    try:
        text = to_json(load_pipeline(file))
    except PipelineError as error:
        print(error.told(), file=sys.stderr)
        return 1
    return write_out(text + "\n", out)


def compile_object(target: str, out: Path | None, python: Path) -> int:
    """Write the definition of the SDK object ``target``, which the interpreter ``python`` can import; exit code."""
    import tempfile

    if ":" not in target:
        print(f'"{target}" names no object; write module:object or path/to/file.py:object.', file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "definition.json"
        # The SDK refuses to be imported without a region.
        environment = {"AWS_DEFAULT_REGION": "us-east-1", **os.environ}
        try:
            done = subprocess.run([python, "-c", _COMPILE, target, str(result)], check=False, env=environment)
        except OSError as error:
            print(f'--python "{python}" cannot be run: {error.strerror or error}.', file=sys.stderr)
            return 2
        if done.returncode or not result.exists():
            print(f'"{target}" could not be compiled; its own error is above.', file=sys.stderr)
            return 1
        try:
            text = to_json(load_pipeline(result.read_text(), name=target))
        except PipelineError as error:
            print(error.told(), file=sys.stderr)
            return 1
    return write_out(text + "\n", out)
