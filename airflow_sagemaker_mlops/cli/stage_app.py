"""The commands and options of stages: ``deploy``, ``rollback`` and ``releases``; :mod:`.deploy` does the work."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .options import HERE, Config, Project, Stage, StateDir, beginning, stage_choice

Conn = Annotated[str | None, typer.Option("--conn", help="Airflow connection; default: boto3's credential chain.")]
Local = Annotated[bool, typer.Option("--local", help="Use the embedded AWS; missing buckets are created there.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")]
Format = Annotated[str, typer.Option("--format", help="text, json or markdown.")]


def deploy(
    stage: Stage = None,
    config: Config = None,
    project: Project = HERE,
    dry_run: DryRun = False,
    origin: Annotated[
        str | None,
        typer.Option("--from", metavar="STAGE", help="Deploy the current release of this stage, byte for byte."),
    ] = None,
    reason: Annotated[str, typer.Option("--reason", help="The reason, for the list of releases.")] = "",
    ignore_rights: Annotated[
        bool, typer.Option("--ignore-rights", help="Deploy although IAM's simulation denies rights.")
    ] = False,
    conn: Conn = None,
    local: Local = False,
    state_dir: StateDir = None,
    output: Format = "text",
) -> None:
    """Deploy the project's DAG files, definitions and code to a stage as one release.

    Shows what changes in steps, arguments and parameters, which rights are missing, and what a rollback would not undo.
    Identical content uploads nothing. Exit codes: 0 done or nothing to do; 1 refused; 2 unusable files or options.
    """
    with beginning():
        from .deploy import Account, run_deploy

    _require(stage, config)
    code = run_deploy(
        stage_choice(stage, config, project),
        Account(conn, local or state_dir is not None, state_dir),
        dry_run=dry_run,
        output=output,
        reason=reason,
        origin=origin,
        ignore_rights=ignore_rights,
    )
    raise typer.Exit(code)


def rollback(
    stage: Stage = None,
    config: Config = None,
    project: Project = HERE,
    dry_run: DryRun = False,
    reason: Annotated[str, typer.Option("--reason", help="The reason, for the releases and the registry.")] = "",
    of: Annotated[
        int | None, typer.Option("--of", metavar="RELEASE", help="Fail unless this release is the current one.")
    ] = None,
    keep_champion: Annotated[bool, typer.Option("--keep-champion", help="Do not roll back the champion.")] = False,
    conn: Conn = None,
    local: Local = False,
    state_dir: StateDir = None,
    output: Format = "text",
) -> None:
    """Make the previous release of a stage the current one, and the champion of that time the champion.

    Finishes a rollback that was interrupted. To go back further after a rollback, add --of. Exit codes: 0 done;
    1 refused, or the endpoint could not be updated; 2 unusable files or options.
    """
    with beginning():
        from .deploy import Account, run_rollback

    _require(stage, config)
    code = run_rollback(
        stage_choice(stage, config, project),
        Account(conn, local or state_dir is not None, state_dir),
        dry_run=dry_run,
        output=output,
        reason=reason,
        keep_champion=keep_champion,
        of=of,
    )
    raise typer.Exit(code)


def releases(
    stage: Stage = None,
    config: Config = None,
    project: Project = HERE,
    limit: Annotated[int, typer.Option("--limit", "-n", min=0, help="Only this many of the newest; 0 for all.")] = 20,
    conn: Conn = None,
    local: Local = False,
    state_dir: StateDir = None,
    output: Annotated[str, typer.Option("--format", help="text or json.")] = "text",
) -> None:
    """List the deployments and rollbacks of a stage, newest first; exit 1 if there are none."""
    from .deploy import Account, list_releases

    _require(stage, config)
    account = Account(conn, local or state_dir is not None, state_dir)
    raise typer.Exit(list_releases(stage_choice(stage, config, project), account, limit=limit, output=output))


def _require(stage: str | None, config: Path | None) -> None:
    if stage is None and config is None:
        from .output.terminal import say

        say("add --stage STAGE, or --config FILE.", err=True)
        raise typer.Exit(2)
