"""``sagemaker-mlops reproduce``: arguments for :mod:`..runs.reproduce`, and its output."""

from __future__ import annotations

from ..definition.problems import PipelineError
from ..runs.reproduce import Reproduction, ReproductionRequest, reproduce_as_asked
from .option_names import in_options
from .output.terminal import say
from .progress import TerminalObserver

MAX_NAMED = 20


def run_reproduction(request: ReproductionRequest, *, quiet: bool) -> int:
    """Exit code: 0 reproduced, 1 not, 2 unusable arguments."""
    with TerminalObserver(quiet=quiet) as observer:
        try:
            done = reproduce_as_asked(request, observer)
        except PipelineError as error:
            say(error.report_with("nothing was started"), err=True)
            return 2
        except ValueError as error:  # about a record, or the message names its option
            say(in_options(error), err=True)
            return 2
    _print(done, request.tolerance)
    return 0 if done.reproduced else 1


def _print(done: Reproduction, tolerance: float) -> None:
    source = done.source_run
    if done.missing:
        for line in done.missing[:MAX_NAMED]:
            say(line)
        if len(done.missing) > MAX_NAMED:
            say(f"and {len(done.missing) - MAX_NAMED} more")
        way_out = "Restore them, or give the file and --level parameters to use what is there now."
        say(f"nothing was started: run {source} cannot be pinned. {way_out}")
    elif done.run is None:
        say(f"nothing was started: run {source} cannot be reproduced exactly. --level parameters runs it anyway.")
    elif done.differences:
        say(f"run {source} differs: {'; '.join(done.differences)}")
        say(f"because {'; '.join(done.changes) or 'of a cause that is not in the record'}")
    elif not done.compared:
        say(f"run {source}: every step ended with the same status, and there are no metrics or decisions to compare")
    else:
        say(f"reproduced: run {source}, {done.compared} metric and decision values equal within {tolerance:g}")
