"""Who the caller is, and what that may do: the execution role, and everything."""

from __future__ import annotations

from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from .moto_backend import Reply
from .state import ROLE_NAME, LocalAws

SESSION = "embedded-aws"  # the name of the role's session
ROLE_ID = "AROAEMBEDDEDAWSROLE01"


def everything_allowed(body: bytes) -> Reply:
    """IAM's policy simulator: there is no IAM here, so every action is allowed."""
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
    """STS's GetCallerIdentity: a session of the execution role, so that the SDK's ``get_execution_role`` finds it."""
    arn = f"arn:aws:sts::{aws.account}:assumed-role/{ROLE_NAME}/{SESSION}"
    text = (
        '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
        f"<Arn>{arn}</Arn><UserId>{ROLE_ID}:{SESSION}</UserId><Account>{aws.account}</Account>"
        "</GetCallerIdentityResult></GetCallerIdentityResponse>"
    )
    return Reply(200, [("Content-Type", "text/xml")], text.encode())
