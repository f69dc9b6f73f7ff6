"""Facts about a running step for people: its name, and links to AWS."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from ...s3 import split_uri
from ..step_run import StepRun


def facts_about(run: StepRun, name: str, arn: str, answer: Mapping[str, object] | None = None) -> dict[str, str]:
    """Links for the UI; "output" only once Describe has returned its location.

    Resources of the embedded AWS have no links: it has no console, and AWS's would show another account or nothing.
    """
    if run.aws.is_local:
        return {"name": name, "arn": arn}
    entry = run.entry
    base = console_base(run.aws.region)
    facts = {"name": name, "arn": arn}
    if entry.console:
        path = entry.console.format(name=quote(name, safe=":/-"))
        facts["console"] = f"{base}/sagemaker/home?region={run.aws.region}#/{path}"
    if entry.log_group:
        facts["logs"] = log_url(run.aws.region, entry.log_group, name)
    uri = entry.s3_output(answer) if answer else ""
    if uri.startswith("s3://"):
        facts["output"] = s3_url(run.aws.region, uri)
    return facts


def console_base(region: str) -> str:
    """Address of the AWS console of ``region``, in its partition."""
    if region.startswith("cn-"):
        return f"https://{region}.console.amazonaws.cn"
    if region.startswith("us-gov-"):
        return f"https://{region}.console.amazonaws-us-gov.com"
    return f"https://{region}.console.aws.amazon.com"


def log_url(region: str, group: str, prefix: str) -> str:
    """CloudWatch page of the log streams whose names begin with ``prefix``."""
    encoded = quote(group, safe="").replace("%", "$25")
    stream = quote(quote(prefix, safe=""), safe="").replace("%", "$")
    filtered = f"$3FlogStreamNameFilter$3D{stream}"
    return f"{console_base(region)}/cloudwatch/home?region={region}#logsV2:log-groups/log-group/{encoded}{filtered}"


def s3_url(region: str, uri: str) -> str:
    """Console page of an S3 URI: the object if it looks like one, otherwise the folder."""
    bucket, key = split_uri(uri)
    place = "object" if "." in key.rsplit("/", 1)[-1] else "buckets"
    prefix = key if place == "object" else key.rstrip("/") + "/"
    return f"{console_base(region)}/s3/{place}/{bucket}?region={region}&prefix={quote(prefix)}"
