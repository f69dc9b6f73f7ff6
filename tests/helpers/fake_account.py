"""An account in memory: S3 and the model registry, STS, and an IAM that denies what it is told to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fake_registry import FakeRegistry, refused

READS = ("Get", "Head", "List", "Describe", "Simulate")


@dataclass
class FakeAccount(FakeRegistry):
    """The clients of all services that a deployment uses.

    denied      actions that IAM denies; ``None`` if the caller may not ask IAM
    quotas      {quota of SageMaker: value}; ``None`` if the caller may not ask for them
    simulated   (principal, actions, resources) of each simulation
    """

    account: str = "123456789012"
    denied: frozenset[str] | None = frozenset()
    quotas: dict[str, float] | None = field(default_factory=dict)
    simulated: list[tuple[str, tuple[str, ...], tuple[str, ...]]] = field(default_factory=list)

    def get_caller_identity(self) -> dict[str, Any]:
        arn = f"arn:aws:sts::{self.account}:assumed-role/ci/session"
        return self._answer("GetCallerIdentity", lambda: {"Account": self.account, "Arn": arn})

    def simulate_principal_policy(self, **members: Any) -> dict[str, Any]:
        def work() -> dict[str, Any]:
            if self.denied is None:
                raise refused("AccessDenied", "User is not authorized to perform iam:SimulatePrincipalPolicy")
            names, resources = members["ActionNames"], members["ResourceArns"]
            self.simulated.append((members["PolicySourceArn"], tuple(names), tuple(resources)))
            decisions = {True: "implicitDeny", False: "allowed"}
            rows = [{"EvalActionName": name, "EvalDecision": decisions[name in self.denied]} for name in names]
            return {"EvaluationResults": rows, "IsTruncated": False}

        return self._answer("SimulatePrincipalPolicy", work)

    def list_service_quotas(self, **members: Any) -> dict[str, Any]:
        """Two pages; the second has the account's own quotas."""
        if self.quotas is None:
            raise refused("AccessDeniedException", "User is not authorized to perform servicequotas:ListServiceQuotas")
        if "NextToken" not in members:
            rows = [
                {"QuotaName": f"ml.p4d.24xlarge for {usage} usage", "Value": 0.0}
                for usage in ("endpoint", "training job")
            ]
            return self._answer("ListServiceQuotas", lambda: {"Quotas": rows, "NextToken": "2"})
        own = [{"QuotaName": name, "Value": value} for name, value in self.quotas.items()]
        return self._answer("ListServiceQuotas", lambda: {"Quotas": own})

    @property
    def writes(self) -> list[str]:
        """The calls that change something."""
        return [call for call in self.calls if not call.startswith(READS)]
