"""How an update moves the traffic of an endpoint from its old fleet to the new one, and back.

An update is plain JSON in the endpoint's stored body, and everything here is arithmetic on it:

``{"fleet", "deployment": DeploymentConfig or None, "begun", "path": [[share, wait_s], ...], "at", "since", "back",
"reason"}``

share    part of the traffic that the new fleet answers, 0 to 1
at       index into ``path``; -1 while the new fleet starts
back     whether the path leads back to the old fleet: a rollback
begun, since, wait_s   seconds; waits are shorter than on AWS by ``SPEEDUP``

Source: SageMaker developer guide, "Deployment guardrails".
"""

from __future__ import annotations

import math
from typing import Any, Literal

from ...json_types import AwsShape
from ..errors import invalid
from .fleets import Fleet

Update = dict[str, Any]
Outcome = Literal["goes on", "serves", "rolled back"]
SPEEDUP = 100.0  # 10 minutes of baking take 6 seconds; ``deployment_speedup`` in config.json changes it
ROLLBACK_S = 0.5  # so that somebody who looks sees RollingBack
TIMEOUT_S = 28800.0


def check(deployment: AwsShape, old: Fleet, new: Fleet) -> None:
    """Raise :class:`AwsError` for a deployment configuration that AWS refuses."""
    blue_green, rolling = deployment.get("BlueGreenUpdatePolicy"), deployment.get("RollingUpdatePolicy")
    if blue_green and rolling:
        raise invalid("Specify either BlueGreenUpdatePolicy or RollingUpdatePolicy in DeploymentConfig, not both.")
    production = [variant for variant in new["variants"] if not variant["shadow"]]
    if rolling:
        if len(production) > 1 or any(variant["serverless"] for variant in production):
            raise invalid("RollingUpdatePolicy requires exactly one variant, and one that is not serverless.")
        _check_size(rolling["MaximumBatchSize"], "MaximumBatchSize", production, 5, 50)
        if rolling.get("RollbackMaximumBatchSize"):
            _check_size(rolling["RollbackMaximumBatchSize"], "RollbackMaximumBatchSize", production, 5, 100)
    if blue_green:
        routing = blue_green["TrafficRoutingConfiguration"]
        for kind, member, least in (("CANARY", "CanarySize", 1), ("LINEAR", "LinearStepSize", 10)):
            if routing["Type"] == kind:
                if not routing.get(member):
                    raise invalid(f"{member} is required for traffic routing of type {kind}.")
                _check_size(routing[member], member, production, least, 50)
    policy = blue_green or rolling or {}
    limit = policy.get("MaximumExecutionTimeoutInSeconds")
    if limit is not None and sum(wait for _share, wait in path(deployment, new)) >= limit:
        raise invalid("MaximumExecutionTimeoutInSeconds must be larger than the sum of the waiting times.")


def _check_size(size: AwsShape, member: str, variants: list[dict[str, Any]], minimum: int, maximum: int) -> None:
    percent = _share(size, variants[0]["instances"]) * 100
    if percent > maximum:
        raise invalid(f"{member} must be at most {maximum} % of the variant's total instance count.")
    if size["Type"] == "CAPACITY_PERCENT" and percent < minimum:
        raise invalid(f"{member} must be at least {minimum} % of the variant's total instance count.")


def _share(size: AwsShape, instances: int) -> float:
    if size["Type"] == "CAPACITY_PERCENT":
        return min(1.0, int(size["Value"]) / 100)
    return min(1.0, int(size["Value"]) / instances)


def path(deployment: AwsShape, fleet: Fleet) -> list[tuple[float, float]]:
    """(share, wait in AWS's seconds) of every stage of an update that goes well; the last share is 1."""
    instances = max(1, fleet["variants"][0]["instances"])
    rolling = deployment.get("RollingUpdatePolicy")
    if rolling:
        return _steps(_share(rolling["MaximumBatchSize"], instances), float(rolling["WaitIntervalInSeconds"]))
    blue_green = deployment.get("BlueGreenUpdatePolicy") or {}
    routing = blue_green.get("TrafficRoutingConfiguration") or {}
    wait, bake = (
        float(routing.get("WaitIntervalInSeconds") or 0),
        float(blue_green.get("TerminationWaitInSeconds") or 0),
    )
    match routing.get("Type"):
        case "CANARY":
            return [(_share(routing["CanarySize"], instances), wait), (1.0, bake)]
        case "LINEAR":
            return [*_steps(_share(routing["LinearStepSize"], instances), wait)[:-1], (1.0, bake)]
        case _:
            return [(1.0, bake)]


def _steps(size: float, wait_s: float) -> list[tuple[float, float]]:
    count = math.ceil(round(1 / size, 9))
    return [(min(1.0, size * (step + 1)), wait_s) for step in range(count)]


def begin(fleet: Fleet, deployment: AwsShape | None, now: float, speedup: float = SPEEDUP) -> Update:
    """A new update, whose fleet is starting."""
    stages = [[share, wait / speedup] for share, wait in path(deployment or {}, fleet)]
    policy = (deployment or {}).get("BlueGreenUpdatePolicy") or (deployment or {}).get("RollingUpdatePolicy") or {}
    limit = float(policy.get("MaximumExecutionTimeoutInSeconds") or TIMEOUT_S)
    return {
        "fleet": fleet,
        "deployment": dict(deployment) if deployment else None,
        "begun": now,
        "limit_s": limit / speedup,
        "path": stages,
        "at": -1,
        "since": now,
        "back": False,
        "reason": None,
        "speedup": speedup,
    }


def share(update: Update) -> float:
    """The part of the traffic that the new fleet answers."""
    return 0.0 if update["at"] < 0 else float(update["path"][update["at"]][0])


def alarms(update: Update) -> list[str]:
    """The names of the alarms that roll an update back."""
    configuration = (update["deployment"] or {}).get("AutoRollbackConfiguration") or {}
    return [alarm["AlarmName"] for alarm in configuration.get("Alarms") or [] if alarm.get("AlarmName")]


def advance(update: Update, fleet_status: AwsShape, alarm: str, now: float) -> tuple[Update, Outcome]:
    """The update at the time ``now``.

    :param fleet_status: of the new fleet
    :param alarm: the name of one of its alarms that is in the state ALARM, or ""
    """
    update = dict(update)
    if not update["back"]:
        reason = _why_not(update, fleet_status, alarm, now)
        if reason:
            update |= {"back": True, "reason": reason, "path": _way_back(update), "at": 0, "since": now}
        elif update["at"] < 0 and fleet_status["status"] == "InService":
            update |= {"at": 0, "since": now}
    while update["at"] >= 0 and now - update["since"] >= update["path"][update["at"]][1]:
        if update["at"] + 1 == len(update["path"]):
            return update, "rolled back" if update["back"] else "serves"
        update |= {"since": update["since"] + update["path"][update["at"]][1], "at": update["at"] + 1}
    return update, "goes on"


def _why_not(update: Update, fleet_status: AwsShape, alarm: str, now: float) -> str:
    if fleet_status["status"] == "Failed":
        return str(fleet_status.get("failure_reason") or "The new fleet failed.")
    if alarm:
        return f"One or more configured alarm(s) have been activated: [{alarm}]. The deployment was rolled back."
    # The time that a fleet takes to start here has nothing to do with that on AWS.
    if update["at"] >= 0 and now - update["begun"] > update["limit_s"] + 60:
        return "The deployment took longer than MaximumExecutionTimeoutInSeconds and was rolled back."
    return ""


def _way_back(update: Update) -> list[list[float]]:
    """The path of a rollback: in one step, or in the batches of a rolling update."""
    rolling = (update["deployment"] or {}).get("RollingUpdatePolicy") or {}
    size = rolling.get("RollbackMaximumBatchSize")
    here = share(update)
    if not size or here == 0:
        return [[0.0, ROLLBACK_S]]
    step = _share(size, max(1, update["fleet"]["variants"][0]["instances"]))
    wait_s = float(rolling["WaitIntervalInSeconds"]) / update["speedup"]
    count = math.ceil(round(here / step, 9))
    return [[max(0.0, here - step * (index + 1)), max(wait_s, ROLLBACK_S / count)] for index in range(count)]
