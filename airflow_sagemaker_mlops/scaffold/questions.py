"""The questions of ``copier.yml``, in its order."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

Value = str | bool
Answers = Mapping[str, Value]

FOLDER = Path(__file__).parent
WORDS = {"yes": True, "true": True, "y": True, "on": True, "no": False, "false": False, "n": False, "off": False}


@dataclass(frozen=True, slots=True)
class Question:
    """One question.

    choices   {value: its description}; empty if any text is an answer
    default   may be a template over the earlier answers, like ``when`` and ``validator``
    when      whether the question is asked
    validator renders to the problem of the answer; to nothing if it is valid
    """

    name: str
    type: str
    help: str
    default: Value
    choices: Mapping[str, str]
    when: str
    validator: str

    def is_asked(self, answers: Answers) -> bool:
        """Whether the question applies, given the ``answers`` to earlier questions."""
        return _render(self.when, answers) == "True"

    def default_after(self, answers: Answers) -> Value:
        """The default, given the ``answers`` to earlier questions."""
        if isinstance(self.default, bool):
            return self.default
        text = _render(self.default, answers)
        return text == "True" if self.type == "bool" else text

    def values(self) -> tuple[Value, ...]:
        """The answers there are to choose from; none if any text is one."""
        return (True, False) if self.type == "bool" else tuple(self.choices)

    def read(self, text: str) -> Value:
        """Parse an answer.  Raises ``ValueError`` that says what is expected."""
        if self.type == "bool":
            if text.strip().lower() not in WORDS:
                raise ValueError("Answer yes or no.")
            return WORDS[text.strip().lower()]
        answer = text.strip()
        if not answer.isprintable():
            raise ValueError("Write it on one line, without control characters.")
        wrong = _render(self.validator, {self.name: answer}).strip()
        if wrong:
            raise ValueError(f"{wrong[0].upper()}{wrong[1:]}.")
        if self.choices and answer not in self.choices:
            from ..definition.problems import did_you_mean

            raise ValueError(did_you_mean(answer, self.choices) or f"Use one of: {', '.join(self.choices)}.")
        return answer


@cache
def settings() -> dict[str, object]:
    """``copier.yml`` as data."""
    return dict(yaml.safe_load((FOLDER / "copier.yml").read_text(encoding="utf-8")))


@cache
def questions() -> tuple[Question, ...]:
    """All questions."""
    return tuple(_question(name, row) for name, row in settings().items() if isinstance(row, dict) and name[0] != "_")


def _question(name: str, row: Mapping[str, object]) -> Question:
    given = row.get("choices") or {}
    choices = {str(value): str(label) for label, value in given.items()} if isinstance(given, dict) else {}
    if isinstance(given, list):
        choices = {str(value): str(value) for value in given}
    default = row.get("default", "")
    return Question(
        name=name,
        type=str(row["type"]),
        help=str(row.get("help", "")),
        default=default if isinstance(default, bool) else str(default),
        choices=choices,
        when=str(row.get("when", "True")),
        validator=str(row.get("validator", "")),
    )


@cache
def environment() -> Environment:
    """A Jinja environment with the ``_envops`` of ``copier.yml`` and the two copier filters that the template uses."""
    options = settings()["_envops"]
    assert isinstance(options, dict)
    made = Environment(loader=FileSystemLoader(FOLDER), undefined=StrictUndefined, autoescape=False, **options)
    made.filters["regex_search"] = lambda text, pattern: re.search(pattern, text) is not None
    made.filters["to_nice_yaml"] = lambda value: yaml.safe_dump(value, sort_keys=False, allow_unicode=True)
    return made


@cache
def compiled(text: str) -> Template:
    """``text`` as a template; the same few texts are rendered over and over."""
    return environment().from_string(text)


def _render(template: str, answers: Answers) -> str:
    # most are plain text, such as "True"
    return compiled(template).render(answers) if "[" in template else template
