"""The embedded AWS: runs SageMaker jobs on this machine, without an account and without Docker.

``start`` starts one loopback server for a state folder and returns a :class:`LocalAws`, which says how to reach it.
moto serves S3, Lambda's control plane, SQS, IAM, logs and the rest; SageMaker is our own code.
"""

from __future__ import annotations

from .lifecycle import reset, start, status, stop, was_stopped
from .state import LocalAws, Sandbox, default_state_dir

__all__ = ["LocalAws", "Sandbox", "default_state_dir", "reset", "start", "status", "stop", "was_stopped"]
