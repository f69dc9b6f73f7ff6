"""The step table for people: ``python -m airflow_sagemaker_mlops.steps.table`` writes docs/step-types.md."""

from __future__ import annotations

import sys

from .catalogue import STEP_TYPES
from .control import AIRFLOW_OPERATOR
from .model import StepType

HEAD = """# Step types

<!-- Written by `make docs` from `airflow_sagemaker_mlops/steps/`. -->

Every step type that runs, with its AWS calls, its properties, and what the embedded AWS does with it.
[Steps](language/steps/index.md) has the keys and the meaning of each.

*Waits*: waits in the triggerer and occupies no worker. *Embedded AWS*: what `sagemaker-mlops run` and `local` do with
it; "stub" means that the step fails there with an explanation, unless you give a stub result for it (`--stubs`).

| type | what it is | waits | embedded AWS | properties | AWS calls |
|---|---|---|---|---|---|
"""
OPERATOR_ROW = (
    f"`{AIRFLOW_OPERATOR.name}`",
    AIRFLOW_OPERATOR.about,
    "depends on the operator",
    AIRFLOW_OPERATOR.local_aws,
    "`Output`, its XCom",
    "its own",
)
TAIL = """
`HubContent` and types that this table does not list are refused when the DAG is parsed; use an `x-airflow` step
instead.

**Whoever can write a definition with `x-airflow` steps has the power of a DAG author**: its operators run in the
workers, with Airflow's connections. If your definitions come from people who do not write DAGs, set
`[sagemaker_mlops] allowed_operators` to the operators that they may use, as globs of dotted paths; other modules are
not even imported. Values of a run (parameters, answers to callbacks, results) come from the people who start or answer
it: pass them in `env`, `parameters` or the like, and never in `bash_command`, `sql` or any other program. `check` warns
about that (SM227).
"""


def markdown() -> str:
    """The page."""
    rows = [*(_cells(entry) for entry in STEP_TYPES.values()), OPERATOR_ROW]
    return HEAD + "".join(f"| {' | '.join(cells)} |\n" for cells in rows) + TAIL


def _cells(entry: StepType) -> tuple[str, ...]:
    calls = [f"`{name}`" for name in (entry.create, entry.update, entry.describe, entry.extra, entry.stop) if name]
    service = "" if entry.service == "sagemaker" or not calls else f"{entry.service}: "
    return (
        f"`{entry.name}`",
        entry.about,
        "yes" if entry.waits else "no",
        entry.local_aws,
        _properties(entry),
        service + ", ".join(calls) or "none",
    )


def _properties(entry: StepType) -> str:
    fixed = entry.syntax.properties
    if fixed is not None:
        return ", ".join(f"`{name}`" for name in fixed) or "none"
    if not entry.describe:
        return "none"
    extra = f" and `{entry.extra_member}`" if entry.extra else ""
    return f"the response of `{entry.describe}`{extra}"


if __name__ == "__main__":
    sys.stdout.write(markdown())
