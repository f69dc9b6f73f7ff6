"""An Airflow plugin that does nothing but being loaded early.

The DAG processor loads plugins when it starts and then forks for every parse.  What a DAG file needs of this package is
imported here, so that it is there in each fork and no parse pays for it again; likewise what Airflow's serializer
imports to find out which DAGs wait for others.  No other process parses all day, so none pays for it.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from importlib import import_module
from typing import Any

from airflow.plugins_manager import AirflowPlugin

_TAKEN_BY_SERIALIZATION = (
    "airflow.providers.standard.operators.trigger_dagrun",
    "airflow.providers.standard.sensors.external_task",
)


class SageMakerPreloadPlugin(AirflowPlugin):
    """Brings the modules that a parse takes."""

    name = "sagemaker_preload"

    @classmethod
    def on_load(cls, *args: Any, **kwargs: Any) -> None:
        """Called once by each Airflow process that loads its plugins; ``airflow dag-processor`` is the one meant."""
        if "dag-processor" not in sys.argv:
            return
        from .definition import conditions, evaluate
        from .definition.checks import comparisons
        from .definition.read import yaml_source
        from .factory import dag, task_group
        from .operators import status, steps
        from .plan import describe, show
        from .runtime import recorder, start_in_triggerer

        _ = dag, task_group, yaml_source, conditions, comparisons, status, steps
        _ = start_in_triggerer, recorder, describe, evaluate, show  # what serializing a DAG takes
        for name in _TAKEN_BY_SERIALIZATION:
            with suppress(ImportError):  # each Airflow has its own list
                import_module(name)
