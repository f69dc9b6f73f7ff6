"""Definition -> :class:`Plan`, cached by text within a process.

One DAG file often makes many DAGs from one definition, e.g. one per customer or region; the document is then parsed,
checked and planned only for the first.  A refused text is read again each time, to raise a new error.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path

from ..definition import load_pipeline
from ..definition.read.load import read_text
from ..gc_pause import garbage_later
from .build import make_plan
from .model import Plan

MOST_TEXTS = 16


def plan_of(definition: object, base_dir: Path | None = None) -> Plan:
    """The plan of ``definition``, as :func:`~airflow_sagemaker_mlops.definition.load_pipeline` takes it.

    Raises :class:`~airflow_sagemaker_mlops.definition.problems.PipelineError`.
    """
    if isinstance(definition, Mapping):
        return make_plan(load_pipeline(definition))
    return _plan_of_text(*read_text(definition, base_dir, None))


@functools.lru_cache(maxsize=MOST_TEXTS)
@garbage_later()
def _plan_of_text(text: str, name: str) -> Plan:
    return make_plan(load_pipeline(text.encode(), name=name))
