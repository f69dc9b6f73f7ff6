"""The embedded AWS: runs SageMaker jobs on this machine, without an account and without Docker.

``start`` brings up one loopback server for a state folder (moto for S3, Lambda's control plane, SQS, IAM, logs and the
rest; own code for SageMaker) and gives a :class:`LocalAws` that tells how to reach it.
"""

from __future__ import annotations

from .lifecycle import reset, start, status, stop, was_stopped
from .state import LocalAws, Sandbox, default_state_dir

__all__ = ["LocalAws", "Sandbox", "default_state_dir", "reset", "start", "status", "stop", "was_stopped"]
