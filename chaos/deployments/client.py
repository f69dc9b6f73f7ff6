"""A client that asks an endpoint several times a second, through all its changes."""

from __future__ import annotations

import threading
import time

from airflow_sagemaker_mlops.local_aws import LocalAws

PAUSE_S = 0.2


class Client:
    """A thread.

    answered   number of answers
    errors     a sentence for each request that had none, once the endpoint had answered
    """

    def __init__(self, aws: LocalAws, endpoint: str) -> None:
        self._aws, self._endpoint = aws, endpoint
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self.answered = 0
        self.errors: list[str] = []

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def end(self) -> None:
        """Stop asking."""
        self._over.set()
        self._thread.join(60)

    def _work(self) -> None:
        runtime = self._aws.client("sagemaker-runtime")
        while not self._over.wait(PAUSE_S):
            try:
                answer = runtime.invoke_endpoint(EndpointName=self._endpoint, Body=b"1,2", ContentType="text/csv")
                answer["Body"].read()
                self.answered += 1
            except Exception as error:
                if self.answered:
                    when = time.strftime("%H:%M:%S")
                    self.errors.append(f"{self._endpoint} {when}: {type(error).__name__}: {error}"[:300])
