"""Puts scripts, data and Lambda functions where ``definition.json`` expects them, on AWS or on the embedded AWS.

python dags/daily_model/publish.py BUCKET ROLE_ARN        (uses boto3's credentials and region)
"""

from __future__ import annotations

import io
import sys
import zipfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import data

HERE = Path(__file__).parent
PREFIX = "daily-model"
TIMEOUT_S = 600


def publish(clients: Any, bucket: str, role_arn: str) -> list[str]:
    """Upload everything; returns a list of what was put where.  ``clients(service)`` gives a boto3 client."""
    s3 = clients("s3")
    done = []
    for script in sorted((HERE / "scripts").glob("*.py")):
        s3.put_object(Bucket=bucket, Key=f"{PREFIX}/code/{script.name}", Body=script.read_bytes())
        done.append(f"s3://{bucket}/{PREFIX}/code/{script.name}")
    for name, text in data.deliveries().items():
        s3.put_object(Bucket=bucket, Key=f"{PREFIX}/data/{name}/{name}.csv", Body=text.encode())
        done.append(f"s3://{bucket}/{PREFIX}/data/{name}/{name}.csv")
    for source in sorted((HERE / "functions").glob("*.py")):
        done.append(put_function(clients("lambda"), source, role_arn))
    return done


def put_function(client: Any, source: Path, role_arn: str) -> str:
    """Create or update one Lambda function; returns its ARN."""
    name = f"{PREFIX}-{source.stem.replace('_', '-')}"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        # A fixed date, so that the same source gives the same package.
        archive.writestr(zipfile.ZipInfo(source.name, (2026, 1, 1, 0, 0, 0)), source.read_bytes())
    code = {"ZipFile": packed.getvalue()}
    try:
        return str(
            client.create_function(
                FunctionName=name,
                Runtime="python3.11",
                Role=role_arn,
                Handler=f"{source.stem}.handler",
                Code=code,
                Timeout=TIMEOUT_S,
            )["FunctionArn"]
        )
    except client.exceptions.ResourceConflictException:
        return str(client.update_function_code(FunctionName=name, **code)["FunctionArn"])


if __name__ == "__main__":
    import boto3

    for line in publish(boto3.client, sys.argv[1], sys.argv[2]):
        print(line)
