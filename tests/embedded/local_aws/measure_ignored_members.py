"""Measures which members of read requests moto never reads; running it writes the table.

Every string in the source of the method that answers, and of what it calls on itself, is a member that may be read; of
the parameters of the backend's method that it calls, one that the method never loads is not.  What pages and what
cannot change an answer of one account are left out.
"""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
import json
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TABLE = Path(__file__).resolve().parents[3] / "airflow_sagemaker_mlops" / "local_aws" / "ignored_members.json"
READS = re.compile(r"^(Batch)?(Get|List|Describe|Filter|Search|Query|Scan|Lookup)")
HARMLESS = re.compile(
    r"(?i)^(max\w*|marker|page\w*|limit|starting\w*|exclusivestart\w*|position|\w*token|granttokens|dryrun"
    r"|catalogid|auditcontext|\w*sessioncontext|returnconsumedcapacity|consistentread|unmask|registryid"
    r"|\w*account(id|identifiers?)?|\w*accounts|workgroup|includeddata|includemanagedresources|transactionid|callas"
    r"|acceptlanguage|crossaccountfilteroption|startfromhead)$"
)
# Code that passes the whole request on, so that strings in the backend count as well.
WHOLE = frozenset(
    {"_get_params", "body", "querystring", "params", "parameters", "json", "request_params", "_get_multi_param"}
)
Tree = ast.AST


def measured(only: frozenset[str] = frozenset()) -> dict[str, dict[str, list[str]]]:
    """{service: {operation: ignored members}} of the services ``only``, or of all services."""
    import moto

    table: dict[str, dict[str, list[str]]] = {}
    for folder in sorted(Path(moto.__file__).parent.iterdir()):
        service = _service(folder.name)
        if service is None or service == "s3" or (only and service not in only):
            continue
        rows = {name: members for name, members in _of_service(folder.name, service) if members}
        if rows:
            table[service] = rows
    return table


@functools.cache
def _session() -> Any:
    import botocore.session

    return botocore.session.Session()


def _plain(text: str) -> str:
    return text.replace("-", "").replace("_", "").lower()


def _service(folder: str) -> str | None:
    if folder == "awslambda":
        return "lambda"
    return next((name for name in _session().get_available_services() if _plain(name) == _plain(folder)), None)


def _of_service(folder: str, service: str) -> Iterator[tuple[str, list[str]]]:
    from moto.core.responses import BaseResponse
    from moto.core.utils import camelcase_to_underscores

    try:
        module = importlib.import_module(f"moto.{folder}.responses")
    except ImportError:
        return
    classes = [kind for kind in vars(module).values() if isinstance(kind, type) and issubclass(kind, BaseResponse)]
    model = _session().get_service_model(service)
    for operation in model.operation_names:
        method = camelcase_to_underscores(operation)
        owner = next((kind for kind in classes if inspect.isfunction(inspect.getattr_static(kind, method, None))), None)
        shape = model.operation_model(operation).input_shape
        if READS.match(operation) and owner is not None and shape is not None:
            yield operation, _unread(folder, owner, method, shape)


def _unread(folder: str, owner: type, method: str, shape: Any) -> list[str]:
    trees = list(_reached(owner, method, set()))
    if not trees:
        return []
    known = {_plain(text.split(".")[0]) for tree in trees for text in _strings(tree)}
    passed, dropped = set[str](), set[str]()
    whole = any(
        (node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")) in WHOLE
        for tree in trees
        for node in ast.walk(tree)
    )
    for call, backend in _calls_of_backends(folder, trees[0]):
        parameters, unused, source = backend
        if whole:
            known |= {_plain(text) for text in _strings(source)}
            if any(keyword.arg is None for keyword in call.keywords):
                known |= {_plain(name) for name in parameters if name not in unused}
        pairs = [*zip(parameters, call.args, strict=False), *((k.arg, k.value) for k in call.keywords if k.arg)]
        for name, value in pairs:
            (dropped if name in unused else passed).update(_plain(text) for text in _behind(value, trees[0]))
    ignored = dropped - passed
    return [
        name
        for name, member in shape.members.items()
        if name not in shape.required_members
        and not HARMLESS.match(name)
        and member.serialization.get("location") != "uri"
        and not _read(name, member, known - ignored)
    ]


def _read(name: str, member: Any, known: set[str]) -> bool:
    return bool({_plain(name), _plain(str(member.serialization.get("name", name)))} & known)


def _tree(function: Any) -> Tree | None:
    try:
        return ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(function)))).body[0]
    except (OSError, SyntaxError, TypeError):
        return None


def _strings(tree: Tree) -> set[str]:
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def _reached(owner: type, name: str, seen: set[str]) -> Iterator[Tree]:
    from moto.core.responses import BaseResponse

    found = inspect.getattr_static(owner, name, None)
    found = getattr(found, "fget", None) or getattr(found, "__func__", found)
    if name in seen or hasattr(BaseResponse, name) or not inspect.isfunction(found):
        return
    seen.add(name)
    tree = _tree(found)
    if tree is None:
        return
    yield tree
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"):
            yield from _reached(owner, node.attr, seen)


@functools.cache
def _backends(folder: str) -> tuple[type, ...]:
    from moto.core.base_backend import BackendDict

    try:
        module = importlib.import_module(f"moto.{folder}.models")
    except ImportError:
        return ()
    return tuple(value.backend for value in vars(module).values() if isinstance(value, BackendDict))


def _calls_of_backends(folder: str, tree: Tree) -> Iterator[tuple[ast.Call, tuple[list[str], set[str], Tree]]]:
    """The calls of backend methods in ``tree``: the method's parameters, the unused ones, and its source."""
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        for backend in _backends(folder):
            method = inspect.getattr_static(backend, node.func.attr, None)
            source = _tree(method) if inspect.isfunction(method) else None
            if isinstance(source, ast.FunctionDef):
                given = source.args
                names = [item.arg for item in (*given.posonlyargs, *given.args, *given.kwonlyargs)][1:]
                loaded = {n.id for n in ast.walk(source) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
                yield node, (names, set(names) - loaded, source)


def _behind(value: ast.expr, tree: Tree) -> set[str]:
    """The strings in an expression and in the values assigned to its names."""
    found = _strings(value)
    names = {node.id for node in ast.walk(value) if isinstance(node, ast.Name)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id in names for t in node.targets):
            found |= _strings(node.value)
    return found


if __name__ == "__main__":
    TABLE.write_text(json.dumps(measured(), indent=1, sort_keys=True) + "\n")
