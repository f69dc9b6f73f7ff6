"""The server process: ``python -m airflow_sagemaker_mlops.local_aws.server STATE_DIR``, started by ``lifecycle``.

It reads its settings, including the keys, from stdin: every user of a machine can read command lines.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .processes import start_of
from .state import (
    ACCOUNT,
    DAMAGED,
    ROLE_NAME,
    LocalAws,
    StateDamaged,
    write_server,
)


def main() -> None:
    """Serve until SIGTERM."""
    from .app import create_application
    from .connections import Server

    state_dir, settings = Path(sys.argv[1]), json.load(sys.stdin)
    os.environ.update({"AWS_ACCESS_KEY_ID": settings["access_key"], "AWS_SECRET_ACCESS_KEY": settings["secret_key"]})
    log = (state_dir / "server.log").open("a", buffering=1)
    created: list[Any] = []

    def application(environ: Mapping[str, object], start_response: object) -> Any:
        return created[0](environ, start_response)

    try:
        server = Server(settings["port"], application)
    except (OSError, SystemExit):  # another process has taken the port since the last start
        server = Server(0, application)
    aws = LocalAws(
        endpoint_url=f"http://127.0.0.1:{server.port}",
        region=settings["region"],
        account=ACCOUNT,
        access_key=settings["access_key"],
        secret_key=settings["secret_key"],
        bucket=f"sagemaker-{settings['region']}-{ACCOUNT}",
        role_arn=f"arn:aws:iam::{ACCOUNT}:role/{ROLE_NAME}",
        state_dir=str(state_dir),
        pid=os.getpid(),
        pid_start=start_of(os.getpid()),
    )
    try:
        created.append(create_application(aws, log))
    except StateDamaged as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(DAMAGED)
    import threading

    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that started the server handles Ctrl-C
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    _seed(aws)
    write_server(state_dir, aws)
    serving.join()


def _seed(aws: LocalAws) -> None:
    """Create one bucket and one role that SageMaker and Lambda may assume, unless they exist."""
    s3 = aws.client("s3")
    if aws.bucket not in {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}:
        s3.create_bucket(Bucket=aws.bucket)
    # So that a run can be reproduced from the objects it read, even if they have been overwritten since.
    s3.put_bucket_versioning(Bucket=aws.bucket, VersioningConfiguration={"Status": "Enabled"})
    iam = aws.client("iam")
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": ["sagemaker.amazonaws.com", "lambda.amazonaws.com"]},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    try:
        iam.create_role(RoleName=ROLE_NAME, AssumeRolePolicyDocument=json.dumps(trust))
    except iam.exceptions.EntityAlreadyExistsException:
        return


if __name__ == "__main__":
    main()
