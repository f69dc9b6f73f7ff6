"""All commands together; each command's own module is imported only when the command is called."""

from __future__ import annotations

from typing import Annotated

import typer

from .champion_app import champion_app
from .definition_app import check, compile_, diff, iam, plan, pull, push, render, schema, to_json
from .drift_app import drift_app
from .examples import EXAMPLES
from .gate_app import gate_app
from .local_app import local_app
from .output.terminal import say
from .project_app import new
from .records_app import logs, records_app, why_not_cached
from .run_app import callback, conf, reproduce, run, ui
from .stage_app import deploy, releases, rollback

EPILOG = (
    "Exit codes: 0 success; 1 the definition has errors, the run failed or AWS refused (diff: differences were found; "
    "status: not running); 2 unusable arguments; 3 gate rejected, drift found, rolled back without the endpoint; 4 not "
    "decided; 129, 130, 143 the run was stopped by a hang-up, Ctrl-C or SIGTERM."
)
app = typer.Typer(
    name="sagemaker-mlops",
    help="Amazon SageMaker Pipelines as native Apache Airflow DAGs.",
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(local_app, name="local")
app.add_typer(records_app, name="records", no_args_is_help=True)
app.add_typer(gate_app, name="gate", no_args_is_help=True)
app.add_typer(champion_app, name="champion", no_args_is_help=True)
app.add_typer(drift_app, name="drift", no_args_is_help=True)
app.command("why-not-cached")(why_not_cached)
app.command("logs")(logs)
app.command()(check)
app.command()(plan)
app.command("to-json")(to_json)
app.command("compile")(compile_)
app.command()(run)
app.command()(conf)
app.command()(reproduce)
app.command()(diff)
app.command()(render)
app.command()(iam)
app.command()(schema)
app.command()(deploy)
app.command()(rollback)
app.command()(releases)
app.command()(pull)
app.command()(push)
app.command()(callback)
app.command()(ui)
app.command()(new)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        say(f"airflow-sagemaker-mlops {version('airflow-sagemaker-mlops')}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Amazon SageMaker Pipelines as native Apache Airflow DAGs."""


GROUPS = {
    "local ": local_app,
    "records ": records_app,
    "gate ": gate_app,
    "champion ": champion_app,
    "drift ": drift_app,
}
for prefix, group in {"": app, **GROUPS}.items():
    for command in group.registered_commands:
        named = command.name or (command.callback.__name__ if command.callback else "")
        example = EXAMPLES.get(prefix + named.replace("_", "-"), "")
        command.epilog = f"Example: {example if example.startswith('eval') else f'sagemaker-mlops {example}'}"
