"""Airflow's simple auth manager, in which the viewer ``vera`` may not see the DAG ``decides``."""

from __future__ import annotations

from typing import Any

from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager


class AuthByDag(SimpleAuthManager):
    """For tests of permissions on single DAGs."""

    def is_authorized_dag(self, *, method: Any, user: Any, access_entity: Any = None, details: Any = None) -> bool:
        """As the simple auth manager, with one exception."""
        if user.username == "vera" and details is not None and details.id == "decides":
            return False
        return super().is_authorized_dag(method=method, user=user, access_entity=access_entity, details=details)
