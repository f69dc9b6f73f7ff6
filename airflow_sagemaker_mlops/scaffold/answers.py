"""Completes the user's answers: one for every question."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import takewhile

from ..definition.problems import Problem, did_you_mean
from .errors import ProjectError, refusal
from .questions import Question, Value, questions

Ask = Callable[[Question, Value], Value]


def settle(
    given: Mapping[str, Value], ask: Ask | None = None, recorded: Mapping[str, Value] | None = None
) -> dict[str, Value]:
    """The answer to every question: the given one, else what ``ask(question, default)`` returns, else the default.

    A question that earlier answers make irrelevant gets its default.  Raises :class:`ProjectError` for names
    that are no questions, values that are no answers, and answers to questions that are not asked.

    :param recorded: answers that an earlier template asked for; those to questions that are no longer asked are dropped
    """
    wrong = [*_unknown(given)]
    answers: dict[str, Value] = {}
    for question in questions():
        default = question.default_after(answers)
        is_asked = question.is_asked(answers)
        answer = given.get(question.name, (recorded or {}).get(question.name) if is_asked else None)
        if answer is None:
            asked = ask is not None and not wrong and is_asked
            answers[question.name] = ask(question, default) if ask is not None and asked else default
            continue
        answers[question.name] = default
        try:
            value = question.read(text_of(answer))
        except ValueError as error:
            wrong.append(Problem("SM372", question.name, f'{question.name} is "{text_of(answer)}".', str(error)))
            continue
        if is_asked:
            answers[question.name] = value
        elif value != default:
            wrong.append(_idle(question, value, answers))
    if wrong:
        raise ProjectError(wrong)
    if answers["source"] in ("file", "pull") and not answers["definition"]:
        what = "its file" if answers["source"] == "file" else "the name of the pipeline to pull"
        raise refusal("SM373", "definition", f"source={answers['source']} needs {what}.", "Add --data definition=....")
    return answers


def unanswered(given: Mapping[str, Value]) -> list[str]:
    """The questions that are still to be asked, if the others are answered as given or by their defaults."""
    answers = settle(given)
    return [question.name for question in questions() if question.name not in given and question.is_asked(answers)]


def text_of(value: Value) -> str:
    """The answer as a user types it."""
    return value if isinstance(value, str) else "yes" if value else "no"


def _unknown(given: Mapping[str, Value]) -> Iterator[Problem]:
    names = [question.name for question in questions()]
    for name in given:
        if name not in names:
            fix = did_you_mean(name, names) or f"The questions are: {', '.join(names)}."
            yield Problem("SM371", name, f'There is no question "{name}".', fix)


def _idle(question: Question, value: Value, answers: Mapping[str, Value]) -> Problem:
    """The problem of an answer without effect, which must be a misunderstanding."""
    before = list(takewhile(lambda one: one.name != question.name, questions()))
    because = [one for one in before if one.name in question.when]
    alone = [one.name for one in because if any(question.is_asked({**answers, one.name: v}) for v in one.values())]
    reasons = alone or [one.name for one in because]
    answered = " and ".join(f"{name}={text_of(answers[name])}" for name in reasons)
    what = f'{question.name} is "{text_of(value)}", and the question is not asked with {answered}.'
    return Problem("SM372", question.name, what, f"Leave {question.name} out, or change {' and '.join(reasons)}.")
