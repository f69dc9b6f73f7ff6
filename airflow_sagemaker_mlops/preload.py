"""An Airflow plugin that does nothing but being loaded early.

The DAG processor loads plugins when it starts and then forks for every parse.  What a DAG file needs of this package is
imported here, so that it is there in each fork and no parse pays for it again.
"""

from __future__ import annotations

from typing import Any

from airflow.plugins_manager import AirflowPlugin


class SageMakerPreloadPlugin(AirflowPlugin):
    """Brings the modules that a parse takes."""

    name = "sagemaker_preload"

    @classmethod
    def on_load(cls, *args: Any, **kwargs: Any) -> None:
        """Called once by each Airflow process that loads its plugins."""
        from . import factory
        from .document import yaml_source
        from .operators import recording, steps, verdict
        from .plan import build, source

        _ = factory, yaml_source, recording, steps, verdict, build, source
