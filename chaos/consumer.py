"""Answers the Callback steps: reads the queue, posts to Airflow's API server, and does not give up."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from typing import Any

from airflow_sagemaker_mlops.local_aws import LocalAws

from .pipelines import QUEUE

AGAIN_S = 5


class Consumer:
    """A thread; ``answered`` are the tokens whose answers were accepted."""

    def __init__(self, aws: LocalAws, port: int) -> None:
        self._aws = aws
        self._address = f"http://127.0.0.1:{port}/sagemaker-callbacks"
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self.answered: set[str] = set()

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def end(self) -> None:
        """Stop reading."""
        self._over.set()
        self._thread.join(30)

    def _work(self) -> None:
        client = self._aws.client("sqs")
        while not self._over.wait(0.5):
            try:
                queue = client.get_queue_url(QueueName=QUEUE)["QueueUrl"]
                answer = client.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, VisibilityTimeout=AGAIN_S)
                for message in answer.get("Messages", []):
                    if self._answer(json.loads(message["Body"])):
                        client.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
            except Exception:  # the queue is down; it will come back with the message
                self._over.wait(1)

    def _answer(self, message: dict[str, Any]) -> bool:
        """Whether the message was handled; a refused one becomes visible again later."""
        token = message["token"]
        if message["status"] != "Executing" or token in self.answered:
            return True
        address = f"{self._address}/{token}/success"
        request = urllib.request.Request(
            address, json.dumps({"word": "fine"}).encode(), {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=30):
                self.answered.add(token)
                return True
        except OSError:
            return False
