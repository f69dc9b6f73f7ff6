"""Models and endpoint configurations, which are stored; ``endpoints`` serves them."""

from __future__ import annotations

from typing import Any

from ...json_types import AwsShape
from ..errors import AwsError, invalid
from ..store import NameTaken, Resource
from .context import (
    Answer,
    Context,
    Handler,
    Request,
    page,
    passes_filters,
    sorted_rows,
    tags_of,
)
from .registry import find_package

MODEL, CONFIG = "model", "endpoint-config"
# Members of an endpoint configuration that would change what an endpoint does, and do not here.
_NOT_SERVED = ("AsyncInferenceConfig", "ExplainerConfig")


def _create(family: str, word: str) -> Handler:
    def create(context: Context, request: Request) -> Answer:
        name = str(request[f"{word}Name"])
        arn = context.arn(f"{family}/{name.lower()}")
        if family == CONFIG:
            _check_config(context, request)
        try:
            body = {"arn": arn, "request": dict(request)}
            context.store.insert(family, context.region, name, body, tags_of(request))
        except NameTaken:
            raise invalid(f'Cannot create already existing {family.replace("-", " ")} "{arn}".') from None
        return {f"{word}Arn": arn}

    return create


def _check_config(context: Context, request: Request) -> None:
    """Raise :class:`AwsError` for variants that AWS refuses, and for kinds of endpoints that do not run here."""
    for member in _NOT_SERVED:
        if request.get(member):
            message = f"sagemaker: endpoints with {member} do not run in the embedded AWS"
            raise AwsError("NotImplementedException", f"{message}. Omit it, or call an AWS account.", 501)
    variants, shadows = request.get("ProductionVariants") or [], request.get("ShadowProductionVariants") or []
    names = [variant["VariantName"] for variant in (*variants, *shadows)]
    if len(set(names)) < len(names):
        raise invalid("The names of the variants of an endpoint configuration must be unique.")
    if shadows and (len(variants), len(shadows)) != (1, 1):
        raise invalid("With ShadowProductionVariants, specify one production variant and one shadow variant.")
    for variant in (*variants, *shadows):
        if variant.get("ModelName"):
            find(context, MODEL, "Model", variant["ModelName"])


def find(context: Context, family: str, word: str, name: object) -> Resource:
    """The stored resource ``name``.  Raises :class:`AwsError` if there is none."""
    found = context.store.get(family, context.region, str(name))
    if found is None:
        arn = context.arn(f"{family}/{str(name).lower()}")
        raise invalid(f'Could not find {family.replace("-", " ")} "{arn}".')
    return found


def _describe(family: str, word: str) -> Handler:
    def describe(context: Context, request: Request) -> Answer:
        found = find(context, family, word, request[f"{word}Name"])
        answer: Answer = {**found.body["request"], f"{word}Arn": found.body["arn"], "CreationTime": found.created}
        return answer

    return describe


def _delete(family: str, word: str) -> Handler:
    def delete(context: Context, request: Request) -> Answer:
        found = find(context, family, word, request[f"{word}Name"])
        context.store.delete(family, context.region, found.name)
        return {}

    return delete


def _list(family: str, word: str) -> Handler:
    keys = {"Name": f"{word}Name", "CreationTime": "CreationTime"}

    def listing(context: Context, request: Request) -> Answer:
        rows = [
            {f"{word}Name": found.name, f"{word}Arn": found.body["arn"], "CreationTime": found.created}
            for found in context.store.all(family, context.region)
            if passes_filters(request, found.name, None, found.created, found.modified)
        ]
        return page(sorted_rows(rows, request, keys, "CreationTime"), request, f"{word}s")

    return listing


def containers_of_model(context: Context, name: str) -> list[dict[str, Any]]:
    """The containers of a model; for a model package, the containers from the registry."""
    request = find(context, MODEL, "Model", name).body["request"]
    primary = request.get("PrimaryContainer")
    containers = request.get("Containers") or ([primary] if primary else [])
    resolved: list[dict[str, Any]] = []
    for container in containers:
        if container.get("ModelPackageName"):
            package = find_package(context, container["ModelPackageName"]).body["request"]
            inner = (package.get("InferenceSpecification") or {}).get("Containers") or []
            resolved.extend({**item, **_environment(item, container)} for item in inner[:1])
        else:
            resolved.append(dict(container))
    return resolved


def _environment(inner: AwsShape, outer: AwsShape) -> dict[str, Any]:
    merged = {**(inner.get("Environment") or {}), **(outer.get("Environment") or {})}
    return {"Environment": merged} if merged else {}


HANDLERS: dict[str, Handler] = {}
for _family, _word in ((MODEL, "Model"), (CONFIG, "EndpointConfig")):
    HANDLERS[f"Create{_word}"] = _create(_family, _word)
    HANDLERS[f"Describe{_word}"] = _describe(_family, _word)
    HANDLERS[f"Delete{_word}"] = _delete(_family, _word)
    HANDLERS[f"List{_word}s"] = _list(_family, _word)
