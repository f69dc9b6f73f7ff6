"""Run a Python block of a page from its file, and have every DAG that it makes validated, as Airflow does."""

from __future__ import annotations

import gc
import sys
from pathlib import Path


def main(name: str) -> None:
    """Run the file; raises what it raises, and the problems of its DAGs."""
    gc.disable()  # a DAG without a name is garbage, and has to be found below
    path = Path(name).resolve()
    sys.path.insert(0, str(path.parent))
    exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), {"__name__": "snippet", "__file__": str(path)})
    if "airflow.sdk" in sys.modules:
        from airflow.sdk import DAG

        dags = [one for one in gc.get_objects() if isinstance(one, DAG)]
        for dag in dags:
            dag.validate()
        print(f"{len(dags)} DAGs")


if __name__ == "__main__":
    main(sys.argv[1])
