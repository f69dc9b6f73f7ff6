"""An invalid definition behind a user's function or class, parsed in a new interpreter."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from airflow_names import DagBag
from good_and_bad import IMPORT, write_both


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_both(tmp_path)


def test_a_function_or_a_subclass_around_the_dag_shows_the_same_report(folder: Path) -> None:
    (folder / "company").mkdir()
    (folder / "company" / "__init__.py").write_text("")
    (folder / "company" / "pipelines.py").write_text(
        f"{IMPORT}class CompanyDag(SageMakerPipelineDag):\n"
        "    def __init__(self, dag_id, definition, **options):\n"
        "        super().__init__(dag_id, definition, tags=['company'], **options)\n"
        "def company_dag(dag_id, definition):\n    return SageMakerPipelineDag(dag_id, definition)\n"
    )
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        f"from {DagBag.__module__} import DagBag\n"
        "bag = DagBag(sys.argv[1])\n"
        "print('BAG', sorted(bag.dags), *bag.import_errors.values(), sep='\\n')\n"
    )
    (folder / "one.py").write_text(  # of Airflow's safe mode: dag, airflow
        "from pathlib import Path\nfrom company.pipelines import CompanyDag, company_dag\n"
        "here = Path(__file__).parent\ncompany_dag('one', here / 'bad.json')\n"
        "CompanyDag('two', here / 'bad.json')\nCompanyDag('three', here / 'good.json')\n# airflow\n"
    )
    (folder / "another.py").write_text(
        "from pathlib import Path\nfrom company.pipelines import company_dag\n"
        "company_dag('four', Path(__file__).parent / 'good.json')\n# airflow\n"
    )
    done = subprocess.run([sys.executable, "-c", code, folder], capture_output=True, text=True, check=True)
    said = done.stdout.partition("BAG\n")[2]
    assert "['four', 'three']" in said
    assert said.count('[SM201] no step is called "B"') == 2
    assert "KeyError" not in done.stdout
