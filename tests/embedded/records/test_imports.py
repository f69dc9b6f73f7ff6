"""Modules that the records may import."""

from __future__ import annotations

import subprocess
import sys


def test_the_record_knows_neither_airflow_nor_boto3() -> None:
    code = """
import importlib, pkgutil, sys
import airflow_sagemaker_mlops.records as room
for module in pkgutil.iter_modules(room.__path__):
    importlib.import_module(f"{room.__name__}.{module.name}")
print(*sys.modules)
"""
    loaded = set(subprocess.check_output([sys.executable, "-c", code], text=True).split())
    assert not {"airflow", "airflow.sdk", "boto3", "botocore", "sagemaker", "rich", "typer"} & loaded
