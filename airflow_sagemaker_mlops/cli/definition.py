"""``plan``, ``to-json`` and ``compile``: inspect a definition without running it."""

from __future__ import annotations

import json
from pathlib import Path

from ..definition import to_json
from ..definition.problems import PipelineError
from ..plan import make_plan
from ..plan.defaults import with_defaults
from ..plan.model import Plan
from ..plan.show import mermaid, tree
from .compiling import NotCompiled
from .output.terminal import say, say_error, say_json, write_out
from .sources import Source
from .stages import NO_STAGE, StageChoice, values_of


def show_plan(file: Source, form: str, stage: StageChoice = NO_STAGE) -> int:
    """Print the plan of ``file`` as text, json or mermaid; exit code."""
    if form not in ("text", "json", "mermaid"):
        say(f'--format is "{form}"; use text, json or mermaid.', err=True)
        return 2
    try:
        plan = plan_in_stage(file, stage)
    except (PipelineError, NotCompiled) as error:
        return say_error(error)
    except ValueError as error:
        say(error, err=True)
        return 2
    match form:
        case "json":
            say_json(json.loads(plan.to_json()))
        case "mermaid":
            say(mermaid(plan))
        case _:
            say(tree(plan))
    return 0


def plan_in_stage(file: Source, stage: StageChoice) -> Plan:
    """The plan of ``file``, with the parameter values of the stage if one is given."""
    pipeline = file.load()
    plan = make_plan(pipeline)
    return with_defaults(plan, values_of(stage.load(), file, pipeline)) if stage.is_given else plan


def show_differences(old: Source, new: Source, output: str = "text", stage: StageChoice = NO_STAGE) -> int:
    """Print what changed from ``old`` to ``new``; exit code 0 for no change, 1 for changes, 2 on problems."""
    from ..plan.diff import differences

    if output not in ("text", "json"):
        say(f'--format is "{output}"; use text or json.', err=True)
        return 2
    try:
        lines = differences(plan_in_stage(old, stage), plan_in_stage(new, stage))
    except (PipelineError, NotCompiled) as error:
        say_error(error)
        return 2
    except ValueError as error:
        say(error, err=True)
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
        return say_error(error)
    return write_out(render(plan, dag_id or file.pipeline_name), out)


def print_json(file: Source, out: Path | None) -> int:
    """Print or write the canonical JSON of ``file``; exit code."""
    try:
        text = to_json(file.load())
    except (PipelineError, NotCompiled) as error:
        return say_error(error)
    return write_out(text + "\n", out)


def print_schema(out: Path | None) -> int:
    """Print or write the JSON Schema of definitions; exit code."""
    from ..steps.editor_schema import schema_text

    return write_out(schema_text(), out)


def compile_object(source: Source, out: Path | None) -> int:
    """Write the definition of the SDK object that ``source`` names; exit code."""
    if not source.is_code:
        say(f'"{source}" names no object; write module:object or path/to/file.py:object.', err=True)
        return 2
    return print_json(source, out)
