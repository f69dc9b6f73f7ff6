"""Says why a model was not deployed."""

from __future__ import annotations

from typing import Any


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """``{"auc", "production_auc", "floor", "model_package_arn"}`` -> ``{"reason"}``."""
    auc, production, floor = float(event["auc"]), float(event["production_auc"]), float(event["floor"])
    reasons = []
    if auc <= production:
        reasons.append(f"AUC {auc:.4f} does not beat {production:.4f} of {event['model_package_arn']}")
    if auc <= floor:
        reasons.append(f"AUC {auc:.4f} is not above the floor of {floor:.4f}")
    reason = "; ".join(reasons)
    print(reason)
    return {"reason": reason}
