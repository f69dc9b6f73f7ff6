"""``plan``, ``to-json`` and ``compile``: inspect a definition without running it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from ..definition import to_json
from ..definition.problems import PipelineError
from ..definition.step_types import AIRFLOW
from ..plan import make_plan
from ..plan.show import mermaid, tree
from .compiling import NotCompiled
from .output.terminal import say, say_json, tell, write_out
from .sources import Source


def show_plan(file: Source, form: str) -> int:
    """Print the plan of ``file`` as text, json or mermaid; exit code."""
    if form not in ("text", "json", "mermaid"):
        say(f'--format is "{form}"; use text, json or mermaid.', err=True)
        return 2
    try:
        plan = make_plan(file.load())
    except (PipelineError, NotCompiled) as error:
        return tell(error)
    match form:
        case "json":
            say_json(json.loads(plan.to_json()))
        case "mermaid":
            say(mermaid(plan))
        case _:
            say(tree(plan))
    return 0


def show_differences(old: Source, new: Source, output: str = "text") -> int:
    """Print what changed from ``old`` to ``new``; exit code 0 for no change, 1 for changes, 2 on problems."""
    from ..plan.diff import differences

    if output not in ("text", "json"):
        say(f'--format is "{output}"; use text or json.', err=True)
        return 2
    try:
        lines = differences(make_plan(old.load()), make_plan(new.load()))
    except (PipelineError, NotCompiled) as error:
        tell(error)
        return 2
    if output == "json":
        say_json({"old": old.name, "new": new.name, "changes": lines})
    else:
        say("\n".join(lines) if lines else "no difference")
    return 1 if lines else 0


def print_rendered(file: Source, dag_id: str | None, out: Path | None) -> int:
    """Print or write ``file`` as an Airflow Python file; exit code."""
    from ..definition import placed
    from ..runs.names import dag_id_like
    from .render import NotRendered, render, unrenderable

    if dag_id is not None and dag_id != dag_id_like(dag_id):
        what = "a DAG id is 1 to 250 letters, digits, dashes, dots and underscores"
        say(f'--dag-id is "{dag_id}"; {what}, e.g. "{dag_id_like(dag_id)}".', err=True)
        return 2
    try:
        pipeline = file.load()
        plan = make_plan(pipeline)
        problems = list(unrenderable(pipeline, plan))
        if problems:
            raise NotRendered(file.name, placed(problems, file.content, name=file.name))
    except (PipelineError, NotCompiled) as error:
        return tell(error)
    return write_out(render(plan, dag_id or file.pipeline_name), out)


def print_policy(file: Source, account: str, region: str, out: Path | None, parameters: Sequence[str] = ()) -> int:
    """Print or write the IAM policy that running ``file`` requires; stderr has what it could not narrow; exit code."""
    from ..steps.permissions import policy
    from ..steps.policy_values import open_ends, with_values
    from .parameters import parse_values

    try:
        pipeline = file.load()
        pipeline = with_values(pipeline, parse_values(make_plan(pipeline), parameters, may_miss=True))
        made = policy(pipeline, account, region)
    except (PipelineError, NotCompiled) as error:
        return tell(error)
    except ValueError as error:
        say(f"{file.name}: {error}", err=True)
        return 2
    for sentence in open_ends(pipeline, account, region):
        say(f"not narrowed: {sentence}", err=True)
    foreign = [step.name for step in pipeline.steps if step.type == AIRFLOW]
    if foreign:
        say(f"The policy does not cover {', '.join(foreign)}: another package's operator.", err=True)
    return write_out(json.dumps(made, indent=2) + "\n", out)


def print_json(file: Source, out: Path | None) -> int:
    """Print or write the canonical JSON of ``file``; exit code."""
    try:
        text = to_json(file.load())
    except (PipelineError, NotCompiled) as error:
        return tell(error)
    return write_out(text + "\n", out)


def compile_object(source: Source, out: Path | None) -> int:
    """Write the definition of the SDK object that ``source`` names; exit code."""
    if not source.is_code:
        say(f'"{source}" names no object; write module:object or path/to/file.py:object.', err=True)
        return 2
    return print_json(source, out)
