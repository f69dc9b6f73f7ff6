"""The host names of an API server that ``sagemaker-mlops ui`` started.

A page of another site can make its own name resolve to 127.0.0.1 (DNS rebinding); its requests then have that name in
``Host``.
"""

from __future__ import annotations

import os
from typing import Any

VARIABLE = "SAGEMAKER_MLOPS_UI_HOSTS"  # names, comma-separated


def middlewares() -> list[dict[str, Any]]:
    """Airflow's configuration of the check; empty if the variable is not set."""
    names = [name for name in os.environ.get(VARIABLE, "").split(",") if name]
    if not names:
        return []
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    arguments = {"allowed_hosts": names, "www_redirect": False}
    return [{"middleware": TrustedHostMiddleware, "args": [], "kwargs": arguments, "name": "Hosts of this server"}]
