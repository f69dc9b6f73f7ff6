"""Run the benchmarks and write ``build/bench.json``."""

from __future__ import annotations

import compileall
import json
import platform
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    wanted = set(sys.argv[1:]) or {"parse", "reading", "hops", "watching", "recording", "gate", "ui"}
    target = ROOT / "build" / "bench.json"
    # Compile as pip does for an installed package, because the peers are installed that way.  Otherwise, if nothing
    # may be written at run time, a DAG processor would compile this checkout at every parse.
    compileall.compile_dir(ROOT / "airflow_sagemaker_mlops", quiet=1)
    figures = json.loads(target.read_text()) if target.exists() else {}
    figures["machine"] = {"python": platform.python_version(), "system": platform.platform()}
    if "parse" in wanted:
        from . import parse

        figures["parse"] = parse.measure()
    if "reading" in wanted:
        from . import reading

        figures["reading"] = reading.measure()
    if "hops" in wanted:
        from . import hops

        figures["hops"] = hops.measure()
    if "watching" in wanted:
        from . import watching

        figures["watching"] = watching.measure()
    if "recording" in wanted:
        from . import recording

        figures["recording"] = recording.measure()
    if "gate" in wanted:
        from . import gate

        figures["gate"] = gate.measure()
    if "ui" in wanted:
        from . import ui

        figures["ui"] = ui.measure()
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(figures, indent=2) + "\n")
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
