"""An Airflow plugin whose only effect is that it is loaded early.

The DAG processor loads plugins when it starts and then forks for every parse.  This plugin imports what a DAG file
needs from this package, so that every fork has it and no parse imports it again; it also imports what Airflow's
serializer needs to find DAG dependencies.  Other processes do not parse continuously, so they skip the imports.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from importlib import import_module

from airflow.plugins_manager import AirflowPlugin

_TAKEN_BY_SERIALIZATION = (
    "airflow.providers.standard.operators.trigger_dagrun",
    "airflow.providers.standard.sensors.external_task",
)


class SageMakerPreloadPlugin(AirflowPlugin):
    """Imports the modules that a parse needs."""

    name = "sagemaker_preload"

    @classmethod
    def on_load(cls, *args: object, **kwargs: object) -> None:
        """Called once by each Airflow process that loads plugins; only the DAG processor imports the modules."""
        if "dag-processor" not in sys.argv:
            return
        from .definition import arguments, conditions, evaluate, verdict_kinds, verdict_step
        from .definition.checks import champions, comparisons
        from .definition.read import yaml_source
        from .drift import rules
        from .factory import dag, invalid, task_group
        from .gate import rule_reader
        from .operators import pipeline_tasks, status, steps
        from .plan import describe, show
        from .runtime import recorder, start_in_triggerer

        _ = dag, invalid, task_group, yaml_source, conditions, comparisons, status, steps, pipeline_tasks
        _ = arguments, champions, verdict_kinds, verdict_step, rule_reader, rules  # gates and champions
        _ = start_in_triggerer, recorder, describe, evaluate, show  # needed to serialize a DAG
        for name in _TAKEN_BY_SERIALIZATION:
            with suppress(ImportError):  # the list differs between Airflow versions
                import_module(name)
