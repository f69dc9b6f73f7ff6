"""``sagemaker-mlops conf``: checks a selective run against the records and prints the DAG run's conf."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ..definition.problems import PipelineError
from ..plan import make_plan
from ..record_ids import record_id
from ..records.capture.fingerprint import fingerprint
from ..records.model.step_record import Artifact
from ..records.reuse.selective_run import SelectivePlan, SelectiveRequest, make_selective_plan, split_patterns
from ..runs.parameters import values_after
from ..runs.records_location import RecordsLocation
from .option_names import in_options
from .output.terminal import say
from .parameters import parse_values
from .sources import Source

NO_RECORDS = "Add --location with the location of the records."


def print_conf(
    file: Source,
    dag: str,
    request: SelectiveRequest,
    place: RecordsLocation,
    parameters: Sequence[str] = (),
    group: str = "",
) -> int:
    """Exit code: 0, or 2 if the request cannot run; then standard error has every problem, and no conf is printed."""

    def inspect(artifact: Artifact) -> Artifact:
        return fingerprint(place.client("s3"), artifact)

    try:
        plan = make_plan(file.load())
        given = parse_values(plan, parameters, may_miss=bool(request.resume))
        selective = make_selective_plan(
            request, plan, record_id(dag, group), place.open(), inspect=inspect, no_records=NO_RECORDS
        )
        values = values_after(plan, given, selective.inherited)
    except PipelineError as error:
        say(error.report_with(), err=True)
        return 2
    except ValueError as error:  # a parameter or record that cannot be used
        say(in_options(error), err=True)
        return 2
    for line in (*selective.lines(), *selective.remarks(values)):
        say(line, err=True)
    say(json.dumps({**values, **asking(selective, request, group)}, ensure_ascii=False))
    return 0


def asking(selective: SelectivePlan, request: SelectiveRequest, group: str) -> dict[str, Any]:
    """The conf keys for ``request``, with the id of the source run, so that the run uses the one that was checked."""
    prefix = f"{group}.pipeline." if group else "pipeline."
    source = selective.source.run_id if selective.source is not None else ""
    if request.resume:
        return {prefix + "resume": source}
    run = {prefix + "source_run": source} if source else {}
    return {prefix + "select": split_patterns(request.patterns), **run}
