"""Puts the days, the reference and the scripts where ``definition.yaml`` expects them; on AWS and on the embedded AWS.

python dags/late_flights/publish.py BUCKET ROLE_ARN        (credentials and region as boto3 finds them)
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import data

HERE = Path(__file__).parent
PREFIX = "late-flights"


def publish(clients: Any, bucket: str, role_arn: str) -> list[str]:
    """Upload everything; what was put where, in words.  ``clients(service)`` gives a boto3 client."""
    s3 = clients("s3")
    objects = {f"code/{script.name}": script.read_bytes() for script in sorted((HERE / "scripts").glob("*.py"))}
    objects["reference/codes.json"] = json.dumps(data.codes()).encode()
    objects |= {f"days/{day}.csv": text.encode() for day, text in data.days()}
    for name, body in objects.items():
        s3.put_object(Bucket=bucket, Key=f"{PREFIX}/{name}", Body=body)
    clients("cloudwatch").put_metric_alarm(
        AlarmName="late-flights-errors",
        Namespace="AWS/SageMaker",
        MetricName="Invocation5XXErrors",
        Dimensions=[{"Name": "EndpointName", "Value": PREFIX}, {"Name": "VariantName", "Value": "AllTraffic"}],
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData="notBreaching",
    )
    return [f"s3://{bucket}/{PREFIX}/{name}" for name in objects]


if __name__ == "__main__":
    import boto3

    for line in publish(boto3.client, sys.argv[1], sys.argv[2]):
        print(line)
