"""The commands and options of ``sagemaker-mlops gate``; :mod:`.gate` does the work."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .records_options import with_place

if TYPE_CHECKING:
    from ..runs.records_location import RecordsLocation

gate_app = typer.Typer(help="Test whether a candidate is better than the champion, and with what confidence.")


Predictions = Annotated[
    Path,
    typer.Argument(
        help="CSV or Parquet file, or directory of parts, with the columns id, label, candidate, champion "
        "and those of slices and units.",
        show_default=False,
    ),
]
ChampionPredictions = Annotated[
    Path | None,
    typer.Option("--champion-predictions", help="The champion's predictions, if they are in a separate file."),
]
NoChampion = Annotated[
    str | None,
    typer.Option("--no-champion", help="The verdict if there is no champion yet: promote, reject or approve."),
]
Values = Annotated[
    list[str] | None,
    typer.Option(
        "--value",
        help="A metric measured elsewhere, as NAME=CANDIDATE,CHAMPION: latency_p95_ms=118,125; repeatable.",
        show_default=False,
    ),
]
Recorded = Annotated[
    Path | None,
    typer.Option("--recorded", help="The champion's report, for Compare: recorded and to detect missing slices."),
]


@gate_app.command()
def evaluate(
    predictions: Predictions,
    rules: Annotated[Path, typer.Option("--rules", help="YAML or JSON file with the list of rules.")],
    champion_predictions: ChampionPredictions = None,
    no_champion: NoChampion = None,
    value: Values = None,
    recorded: Recorded = None,
    noun: Annotated[str, typer.Option("--noun", help="Plural noun for the records, e.g. flights.")] = "records",
    output: Annotated[str, typer.Option("--format", help="text or json.")] = "text",
    out: Annotated[
        Path | None, typer.Option("--output", "-o", help="Also write the report to this file as JSON.")
    ] = None,
) -> None:
    """Compare a candidate with the champion on the same records.

    Exit code: 0 promote, 3 reject, 4 inconclusive (the champion stays), 2 invalid input.
    """
    from .gate import EvaluateOptions, evaluate_files

    asked = EvaluateOptions(predictions, rules, champion_predictions, no_champion, tuple(value or ()), recorded, noun)
    raise typer.Exit(evaluate_files(asked, output=output, out=out))


@gate_app.command()
def pair(
    champion: Annotated[
        Path,
        typer.Argument(help="Captured data of the production variant: a file, or a folder of .jsonl files."),
    ],
    candidate: Annotated[Path, typer.Argument(help="Captured data of the shadow variant: a file, or a folder.")],
    labels: Annotated[
        Path,
        typer.Option("--labels", help="CSV file with the columns id (the inference id) and label."),
    ],
    out: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the predictions to this file instead of printing them.")
    ] = None,
) -> None:
    """Write predictions for evaluate from what an endpoint with a shadow variant captured.

    Joins both variants' answers by inference id.  Leaves out records whose label has not arrived yet.
    """
    from .gate_pair import pair_files

    raise typer.Exit(pair_files(champion, candidate, labels, out))


@gate_app.command("replay")
@with_place
def replay_(
    place: RecordsLocation,
    group: Annotated[str, typer.Argument(help="Model package group, as named in the gates.", show_default=False)],
    rules: Annotated[Path, typer.Option("--rules", help="YAML or JSON file with the rules to try.")],
    dag: Annotated[str | None, typer.Option("--dag", help="Only runs of this DAG or pipeline.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=0, help="Only this many of the newest; 0 for all.")] = 0,
    output: Annotated[str, typer.Option("--format", help="text or json.")] = "text",
) -> int:
    """Judge the recorded candidates of a model package group by other rules.

    Reads each candidate's predictions from the location in its run record.
    """
    from .gate_replay import replay_group

    return replay_group(place, place, group, rules, dag=dag, limit=limit, output=output)
