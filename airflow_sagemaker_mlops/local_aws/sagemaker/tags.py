"""Tags on any resource that has an ARN."""

from __future__ import annotations

from .context import Answer, Context, Handler, Request, page, tags_of


def _rows(context: Context, arn: str) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in context.store.tags(arn).items()]


def _list(context: Context, request: Request) -> Answer:
    size = {"MaxResults": request.get("MaxResults") or 50}
    return page(_rows(context, str(request["ResourceArn"])), {**request, **size}, "Tags")


def _add(context: Context, request: Request) -> Answer:
    arn = str(request["ResourceArn"])
    context.store.tag(arn, tags_of(request))
    return {"Tags": _rows(context, arn)}


def _delete(context: Context, request: Request) -> Answer:
    context.store.untag(str(request["ResourceArn"]), list(request["TagKeys"]))
    return {}


HANDLERS: dict[str, Handler] = {"ListTags": _list, "AddTags": _add, "DeleteTags": _delete}
