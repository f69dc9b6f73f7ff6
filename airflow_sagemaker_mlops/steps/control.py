"""Lambda, Condition and Fail: steps that start no SageMaker resource.

Sources: language reference sections 5.9, 5.18, 6.4.
"""

from __future__ import annotations

from .model import StepType

LAMBDA = StepType(name="Lambda", how="function", service="lambda", create="Invoke", tagged=False)
CONDITION = StepType(name="Condition", how="condition", tagged=False)
FAIL = StepType(name="Fail", how="fail", tagged=False)
