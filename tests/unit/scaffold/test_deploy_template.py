"""The expression by which a project's deployment workflow reads the version from its triggering event."""

from __future__ import annotations

import re
from types import SimpleNamespace

from airflow.sdk.execution_time.context import TriggeringAssetEventsAccessor
from jinja2 import StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

from airflow_sagemaker_mlops import model_asset
from airflow_sagemaker_mlops.scaffold import settle
from airflow_sagemaker_mlops.scaffold.projects import project_files


def test_the_newest_event_names_the_version() -> None:
    source = project_files(settle({"project": "churn"}))["dags/deploy.py"]
    [template] = re.findall(r'^NEWEST = "(.*)"$', source, re.MULTILINE)
    asset, alias = model_asset("churn"), SimpleNamespace(name="churn-train")
    events = [
        SimpleNamespace(
            asset=SimpleNamespace(name=asset.name, uri=asset.uri),
            source_aliases=[alias],
            extra={"model_package_arn": f"arn:aws:sagemaker:us-east-1:123456789012:model-package/churn/{number}"},
        )
        for number in (1, 2)
    ]
    context = {"triggering_asset_events": TriggeringAssetEventsAccessor.build(events)}  # type: ignore[arg-type]
    rendered = SandboxedEnvironment(undefined=StrictUndefined).from_string(template).render(context)
    assert rendered == "arn:aws:sagemaker:us-east-1:123456789012:model-package/churn/2"
