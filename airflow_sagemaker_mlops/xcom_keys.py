"""The keys of the XComs that this package writes, but for those of links, which are in ``links.py``.

Airflow adds ``return_value``, which has a step's result.
"""

from __future__ import annotations

REQUEST_KEY = "request"  # the API request, secrets masked
JOURNAL_KEY = "sagemaker_job"  # the journal: the step's last job and its state, also in the task state store
REASON_KEY = "sagemaker_reason"  # why the last attempt failed
TICKET_KEY = "sagemaker_ticket"  # the step's place in the queue
ANSWER_KEY = "sagemaker_answer"  # a person's answer to a task of Airflow
CALLBACK_PREFIX = "sagemaker_callback_"  # and the hash of a token: whether it is open, or its answer
