"""Definition -> :class:`Plan`, once for every text a process reads.

One DAG file often makes many DAGs of one definition, one a customer or a region; then the document is parsed, checked
and planned for the first of them only.  A text that was refused is read again each time: its error is made anew.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..definition import load_pipeline
from ..definition.read.load import read_text
from ..gc_pause import garbage_later
from .build import make_plan
from .model import Plan

MOST_TEXTS = 16


def plan_of(definition: Any, base_dir: Path | None = None) -> Plan:
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
