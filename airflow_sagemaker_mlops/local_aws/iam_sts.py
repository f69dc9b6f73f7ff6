"""The caller's identity, which is the execution role, and its permissions, which include every action."""

from __future__ import annotations

from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from .moto_backend import Reply
from .state import ROLE_NAME, LocalAws

SESSION = "embedded-aws"  # name of the role's session
ROLE_ID = "AROAEMBEDDEDAWSROLE01"


def everything_allowed(body: bytes) -> Reply:
    """IAM's SimulatePrincipalPolicy: allows every action, because the embedded AWS enforces no policies."""
    actions = [
        value
        for key, values in parse_qs(body.decode("utf-8", "replace")).items()
        if "ActionNames" in key
        for value in values
    ]
    members = "".join(
        f"<member><EvalActionName>{escape(name)}</EvalActionName><EvalDecision>allowed</EvalDecision></member>"
        for name in actions
    )
    text = (
        '<SimulatePrincipalPolicyResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><SimulatePrincipalPolicyResult>'
        f"<IsTruncated>false</IsTruncated><EvaluationResults>{members}</EvaluationResults>"
        "</SimulatePrincipalPolicyResult></SimulatePrincipalPolicyResponse>"
    )
    return Reply(200, [("Content-Type", "text/xml")], text.encode())


def caller_identity(aws: LocalAws) -> Reply:
    """STS's GetCallerIdentity: returns a session of the execution role, for the SDK's ``get_execution_role``."""
    arn = f"arn:aws:sts::{aws.account}:assumed-role/{ROLE_NAME}/{SESSION}"
    text = (
        '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
        f"<Arn>{arn}</Arn><UserId>{ROLE_ID}:{SESSION}</UserId><Account>{aws.account}</Account>"
        "</GetCallerIdentityResult></GetCallerIdentityResponse>"
    )
    return Reply(200, [("Content-Type", "text/xml")], text.encode())
