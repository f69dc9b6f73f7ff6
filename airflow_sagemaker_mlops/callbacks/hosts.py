"""The names that an API server answers to, where ``sagemaker-mlops ui`` started it.

A page of another site can make its own name lead to 127.0.0.1 (DNS rebinding); what it sends then has its own name in
``Host``.
"""

from __future__ import annotations

import os
from typing import Any

VARIABLE = "SAGEMAKER_MLOPS_UI_HOSTS"  # names, separated by commas


def middlewares() -> list[dict[str, Any]]:
    """Airflow's description of the check; none where the variable is not set."""
    names = [name for name in os.environ.get(VARIABLE, "").split(",") if name]
    if not names:
        return []
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    arguments = {"allowed_hosts": names, "www_redirect": False}
    return [{"middleware": TrustedHostMiddleware, "args": [], "kwargs": arguments, "name": "Hosts of this server"}]
