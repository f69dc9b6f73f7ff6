"""Names of Airflow's own that moved between the versions the package runs on."""

from __future__ import annotations

import pytest

from airflow_sagemaker_mlops.airflow_versions import AIRFLOW

try:
    from airflow.serialization.serialized_objects import DagSerialization
except ImportError:  # before 3.2
    from airflow.serialization.serialized_objects import SerializedDAG as DagSerialization

try:
    from airflow.dag_processing.dagbag import DagBag
except ImportError:  # before 3.2
    from airflow.models.dagbag import DagBag

__all__ = ["AIRFLOW", "DagBag", "DagSerialization", "figure_of_3_3"]

figure_of_3_3 = pytest.mark.skipif(AIRFLOW < (3, 3), reason="a figure of Airflow 3.3: before it operators are bigger")
