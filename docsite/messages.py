"""The sentences that the package's code has for each problem code, with ``…`` for what a report fills in.

They stand for an example where a code has no case: for options of a DAG, of a run, of a stage, of a project.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from .staging import ROOT

PACKAGE = ROOT / "airflow_sagemaker_mlops"
_CODE = re.compile(r"SM\d{3}")


@dataclass(frozen=True)
class Message:
    """What a report says, and the fix that it gives, which may be empty."""

    what: str
    fix: str


@cache
def messages() -> Mapping[str, list[Message]]:
    """The messages of each code, in the order of the files."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(PACKAGE.rglob("*.py"))]
    names = {name: code for text in texts if '= "SM' in text for name, code in _names_of_codes(ast.parse(text))}
    about = re.compile(rf'"SM\d{{3}}"|\b(?:{"|".join(names)})\b')
    modules = [ast.parse(text) for text in texts if about.search(text)]
    found: dict[str, list[Message]] = defaultdict(list)
    for module in modules:
        for function in ast.walk(module):
            if isinstance(function, ast.FunctionDef):
                for code, message in _messages_in(function, names):
                    if message not in found[code]:
                        found[code].append(message)
    return found


def _names_of_codes(module: ast.Module) -> Iterator[tuple[str, str]]:
    """``("BAD_KEY", "SM356")`` for constants of a module that are codes."""
    for node in module.body:
        if isinstance(node, ast.Assign):
            target, value = node.targets[0], node.value
            targets = target.elts if isinstance(target, ast.Tuple) else [target]
            values = value.elts if isinstance(value, ast.Tuple) else [value]
            for name, constant in zip(targets, values, strict=False):
                code = str(constant.value) if isinstance(constant, ast.Constant) else ""
                if isinstance(name, ast.Name) and _CODE.fullmatch(code):
                    yield name.id, code


def _messages_in(function: ast.FunctionDef, names: Mapping[str, str]) -> Iterator[tuple[str, Message]]:
    """Calls of a function that have a code and a sentence among their arguments."""
    texts: dict[str, str] = {}  # of the local variables, as far as they have been assigned
    nodes = sorted((node for node in ast.walk(function) if hasattr(node, "lineno")), key=lambda node: node.lineno)
    for node in nodes:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            texts[node.targets[0].id] = _text(node.value, texts)
        elif isinstance(node, ast.Call):
            values = [*node.args, *(keyword.value for keyword in node.keywords if keyword.arg in ("what", "fix"))]
            codes = [code for value in values if (code := _code(value, names))]
            sentences = [text for value in values if _is_sentence(text := _text(value, texts))]
            if codes and sentences:
                yield codes[0], Message(sentences[0], sentences[1] if len(sentences) > 1 else "")


def _code(node: ast.expr, names: Mapping[str, str]) -> str:
    if isinstance(node, ast.Constant) and _CODE.fullmatch(str(node.value)):
        return str(node.value)
    return names.get(node.id, "") if isinstance(node, ast.Name) else ""


def _is_sentence(text: str) -> bool:
    """Not a place such as ``$.Parameters (…)``, and with more words than what is filled in."""
    return " " in text and not text.startswith("$") and len(re.findall(r"[A-Za-z]{2,}", text)) > 1


def _text(node: ast.expr, texts: Mapping[str, str]) -> str:
    """A text in the code as a reader would see it; empty for anything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.Name):
        return texts.get(node.id, "")
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _text(node.left, texts) + _text(node.right, texts)
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
    return ""
