"""The Python reference: signature, docstring and errors of every public name, read from the code."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path

from .docstrings import markdown, parsed
from .staging import ROOT

PACKAGE = "airflow_sagemaker_mlops"
FOLDER = "docs/python-api"
WIDTH = 88  # of a signature in one line
# Methods that only Airflow or this package calls.
INTERNAL = {"cleanup", "on_kill", "report_with", "run", "serialize", "several", "validate", "worded"}
Definition = ast.ClassDef | ast.FunctionDef | ast.Assign


@dataclass(frozen=True, slots=True)
class Part:
    """Public names of a module: those of its ``__all__``, ``first`` before the others, or ``names``."""

    module: str
    names: tuple[str, ...] = ()
    first: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reference:
    """A page of the reference."""

    file: str
    title: str
    intro: str
    parts: tuple[Part, ...]
    methods: bool = True  # Airflow calls those of operators


REFERENCES = (
    Reference(
        "package.md",
        PACKAGE,
        "What `from airflow_sagemaker_mlops import ...` has: DAGs and task groups, runs in Python, assets and errors. "
        "[The Python API](../python-api.md) explains runs in notebooks, tests and CI.",
        (
            Part(
                PACKAGE,
                first=(
                    "SageMakerPipelineDag",
                    "SageMakerPipelineTaskGroup",
                    "model_asset",
                    "approved_models_dag",
                    "champion_rollback_dag",
                    "failure_of",
                    "run_pipeline",
                    "rehearse",
                    "reproduce",
                    "RunResult",
                    "Reproduction",
                    "RunObserver",
                    "load_pipeline",
                ),
            ),
            Part(f"{PACKAGE}.runs.result", ("StepOutcome", "Cost")),
            Part(f"{PACKAGE}.records.model.prices", ("Prices",)),
        ),
    ),
    Reference(
        "operators.md",
        f"{PACKAGE}.operators",
        "The operators of steps, for DAGs with and without a definition. What each step type does is in the table of "
        "[step types](../step-types.md).",
        (Part(f"{PACKAGE}.operators.base", ("StepOperator",)), Part(f"{PACKAGE}.operators")),
        methods=False,
    ),
    Reference(
        "gate.md",
        f"{PACKAGE}.gate",
        "The champion gate over arrays and files. [The champion gate](../guides/gate.md) explains rules and verdicts.",
        (
            Part(f"{PACKAGE}.gate", first=("evaluate", "parse_rules", "GateReport", "RuleResult")),
            Part(f"{PACKAGE}.gate.replay", ("replay", "PastCandidate", "Replay", "Replayed")),
        ),
    ),
    Reference(
        "drift.md",
        f"{PACKAGE}.drift",
        "The drift check over tables. [Drift](../drift.md) explains checks and baselines.",
        (
            Part(
                f"{PACKAGE}.drift", first=("read_table", "profile_of", "parse_rules", "judge", "DriftReport", "Finding")
            ),
        ),
    ),
    Reference(
        "local-aws.md",
        f"{PACKAGE}.local_aws",
        "The embedded AWS from Python. [Its page](../embedded-aws.md) says what it can do.",
        (Part(f"{PACKAGE}.local_aws", first=("start", "status", "stop", "reset", "LocalAws")),),
    ),
)


def python_pages() -> Iterator[tuple[str, str]]:
    """The pages in their order: ``("docs/python-api/package.md", text)``."""
    for reference in REFERENCES:
        yield f"{FOLDER}/{reference.file}", "\n".join(_page(reference))


def public_names(part: Part) -> Sequence[str]:
    """The names of a part, in the order in which the page has them."""
    if part.names:
        return part.names
    return [*part.first, *(name for name in import_module(part.module).__all__ if name not in part.first)]


def _page(reference: Reference) -> Iterator[str]:
    yield f"# {reference.title}\n"
    yield f"{reference.intro}\n"
    for part in reference.parts:
        generated = []
        for name in public_names(part):
            definition = _find(part.module, name)
            if definition is None and part.module != f"{PACKAGE}.operators":
                raise LookupError(f"{part.module} has no {name}.")
            if definition is None:
                generated.append(name)
            else:
                yield from _entry(name, definition, reference.methods)
        if generated:
            yield from _generated_operators(generated)


def _generated_operators(names: Sequence[str]) -> Iterator[str]:
    from airflow_sagemaker_mlops.definition.step_types import type_of_operator

    yield "## Operators of one step type\n"
    yield "They have the parameters of `StepOperator` and no others. The step type is in parentheses.\n"
    yield from (f"* `{name}` (`{type_of_operator(name)}`)" for name in names)
    yield ""


def _find(module: str, name: str) -> Definition | None:
    """The definition of a name that a module has or imports; ``None`` if the code makes it."""
    file = _file(module)
    if file is None:
        return None
    tree = _tree(file)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level and any(alias.name == name for alias in node.names):
            package = module.split(".")[: None if file.name == "__init__.py" else -1]
            home = package[: len(package) - node.level + 1] + (node.module or "").split(".")
            return _find(".".join(filter(None, home)), name)
    siblings = sorted(file.parent.glob("*.py")) if file.name == "__init__.py" else []
    for each in [file, *siblings]:
        found = _defined(_tree(each), name)
        if found is not None:
            return found
    return None


def _file(module: str) -> Path | None:
    path = ROOT.joinpath(*module.split("."))
    return next((file for file in (path / "__init__.py", path.with_suffix(".py")) if file.is_file()), None)


@cache
def _tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def _defined(tree: ast.Module, name: str) -> Definition | None:
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == name:
            return node
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            return node
    return None


def _entry(name: str, node: Definition, with_methods: bool) -> Iterator[str]:
    yield f"## {name}\n"
    if isinstance(node, ast.Assign):
        yield f"```python\n{ast.unparse(node)}\n```\n"
        return
    if isinstance(node, ast.FunctionDef):
        yield from _described(_signature(name, node.args, node.returns), node)
        return
    methods = [member for member in node.body if isinstance(member, ast.FunctionDef)]
    made = next((method for method in methods if method.name == "__init__"), None)
    if made is not None:
        signature = _signature(name, made.args, None)
    elif any("dataclass" in ast.unparse(one) for one in node.decorator_list):
        signature = _call(name, [text for text in map(_field, node.body) if text], "")
    else:
        signature = f"class {name}({', '.join(map(ast.unparse, node.bases))})"
    yield from _described(signature, node)
    public = [method for method in methods if not method.name.startswith("_") and method.name not in INTERNAL]
    if not with_methods:
        return
    for method in public:
        if not any(ast.unparse(one).endswith(".setter") for one in method.decorator_list):
            yield f"### {name}.{method.name}\n"
            yield from _described(_of_method(method), method)


def _of_method(method: ast.FunctionDef) -> str:
    if any("property" in ast.unparse(one) for one in method.decorator_list):
        return f"{method.name}: {ast.unparse(method.returns) if method.returns else 'object'}"
    return _signature(method.name, method.args, method.returns)


def _field(node: ast.stmt) -> str:
    """A field of a dataclass as its constructor takes it; empty for anything else."""
    if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name) or node.target.id.startswith("_"):
        return ""
    kind, value = ast.unparse(node.annotation), ast.unparse(node.value) if node.value else ""
    if kind.startswith("ClassVar"):
        return ""
    if value.startswith("field("):
        value = "..." if "default" in value else ""
    return f"{node.target.id}: {kind}" + (f" = {value}" if value else "")


def _signature(name: str, arguments: ast.arguments, returns: ast.expr | None) -> str:
    positional = [*arguments.posonlyargs, *arguments.args]
    defaults = [None] * (len(positional) - len(arguments.defaults)) + list(arguments.defaults)
    parts = [_argument(one, default) for one, default in zip(positional, defaults, strict=True)]
    parts = [part for part in parts if part not in ("self", "cls")]
    if arguments.vararg:
        parts.append(f"*{_argument(arguments.vararg)}")
    elif arguments.kwonlyargs:
        parts.append("*")
    parts += [_argument(one, value) for one, value in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]
    if arguments.kwarg:
        parts.append(f"**{_argument(arguments.kwarg)}")
    return _call(name, parts, f" -> {ast.unparse(returns)}" if returns else "")


def _argument(one: ast.arg, default: ast.expr | None = None) -> str:
    kind = f": {ast.unparse(one.annotation)}" if one.annotation else ""
    return f"{one.arg}{kind}" + (f" = {ast.unparse(default)}" if default else "")


def _call(name: str, parts: Sequence[str], returns: str) -> str:
    line = f"{name}({', '.join(parts)}){returns}"
    if len(line) <= WIDTH:
        return line
    return "\n".join(
        [f"{name}(", *(f"    {part}," if not part.startswith("**") else f"    {part}" for part in parts), f"){returns}"]
    )


def _described(signature: str, node: ast.ClassDef | ast.FunctionDef) -> Iterator[str]:
    yield f"```python\n{signature}\n```\n"
    docstring = parsed(inspect.cleandoc(ast.get_docstring(node) or ""))
    if docstring.text:
        yield f"{markdown(docstring.text)}\n"
    for title, pairs in (("Parameters", docstring.params), ("Errors", docstring.raises)):
        if pairs:
            yield f"{title}:\n"
            yield from (f"* `{name}`: {markdown(said)}" for name, said in pairs)
            yield ""
