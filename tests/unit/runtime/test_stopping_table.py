"""The table of who stops which job."""

from __future__ import annotations

import re
from importlib import import_module

import airflow_sagemaker_mlops
from airflow_sagemaker_mlops.runtime import stopping


def test_every_function_in_the_table_exists() -> None:
    cited = re.findall(r"``((?:\w+\.)+\w+)``", stopping.__doc__ or "")
    assert len(cited) > 10
    for name in cited:
        parts = name.split(".")
        home = next(i for i, part in reversed(list(enumerate(parts))) if part.islower() and i < len(parts) - 1) + 1
        found = import_module(".".join((airflow_sagemaker_mlops.__name__, *parts[:home])))
        for part in parts[home:]:
            found = getattr(found, part)
        assert callable(found), name
