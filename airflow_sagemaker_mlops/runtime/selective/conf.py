"""A selective request in a run's conf: ``{"pipeline.select": "Train+"}``, for a group ``{"<id>.pipeline.select": …}``.

No parameter of a pipeline can have such a name, because its name has no dot.  Every other key must be a param of the
DAG or of one of its tasks; a misspelt key would otherwise be ignored, and the run would silently use the default.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ...plan.model import STATUS_TASK_ID

if TYPE_CHECKING:
    from airflow.sdk import DAG, BaseOperator
    from airflow.sdk.definitions.mappedoperator import MappedOperator

    from ...definition.problems import Problem
    from ...records.reuse.selective_run import SelectiveRequest

LIKE = 0.66  # difflib's ratio: two swapped letters in a word of three still match
OPTIONS = ("select", "source_run", "resume")
_KEY = re.compile(r"(?:(?P<group>.+)\.)?pipeline\.(?P<option>[^.]+)")
_NOT_OURS = frozenset({"openlineage"})  # TriggerDagRunOperator writes it into the conf of the run that it starts


def is_selective(conf: Mapping[str, object] | None) -> bool:
    """Whether ``conf`` may contain a selective request.  A form leaves null or "" in empty fields."""
    return any(value not in (None, "") and _KEY.fullmatch(key) for key, value in (conf or {}).items())


def pipelines_in(dag: DAG) -> list[str]:
    """The task groups of ``dag`` that are pipelines, "" for the DAG itself."""
    ends = [name for name, task in dag.task_dict.items() if _is_status_task(name, task)]
    return [name.removesuffix(STATUS_TASK_ID).rstrip(".") for name in ends]


def _is_status_task(task_id: str, task: BaseOperator | MappedOperator) -> bool:
    """Whether ``task`` ends a pipeline; a user's own task may have such an id."""
    return f".{task_id}".endswith(f".{STATUS_TASK_ID}") and task.task_type == "PipelineStatusOperator"


def needs_worker(conf: Mapping[str, object] | None, dag: DAG) -> bool:
    """Whether a run with this ``conf`` may be a selective run of a pipeline of ``dag``, or must be refused."""
    return bool(conf) and (is_selective(conf) or bool(undeclared(conf or {}, dag)))


def undeclared(conf: Mapping[str, object], dag: DAG) -> list[str]:
    """The unknown keys of ``conf``: neither params of ``dag`` or of one of its tasks, nor options of a run.

    In a DAG with other tasks and pipelines in groups, those tasks may read any key, so there only keys that resemble a
    param are returned.
    """
    keys = [key for key in conf if key not in dag.params and key not in _NOT_OURS]
    if not keys:
        return []
    groups = pipelines_in(dag)
    if not groups:
        return []  # without a pipeline, the conf is the DAG author's business
    of_tasks = {name for task in dag.tasks for name, param in task.params.items() if _is_of_task(param)}
    left = [key for key in keys if key not in of_tasks and not _is_option(key, groups)]
    return left if _is_pipeline(dag) else [key for key in left if _resembles(key, dag.params)]


def _is_pipeline(dag: DAG) -> bool:
    """Whether ``dag`` itself is a pipeline: the status task of a group without prefix has the same id."""
    status_task = dag.task_dict.get(STATUS_TASK_ID)
    return (
        status_task is not None
        and _is_status_task(STATUS_TASK_ID, status_task)
        and (status_task.task_group is None or not status_task.task_group.group_id)
    )


def _resembles(key: str, params: Iterable[str]) -> bool:
    """Whether ``key`` may be meant for one of ``params``, with or without the name of its group."""
    import difflib  # only a conf with such a key pays for this import

    names = {name.casefold() for param in params for name in (param, param.rpartition(".")[2])}
    return bool(difflib.get_close_matches(key.casefold(), names, n=1, cutoff=LIKE))


def _is_of_task(param: object) -> bool:
    """Whether ``param`` is a task's own: a task also has copies of its DAG's params."""
    return getattr(param, "source", None) != "dag"


def _is_option(key: str, groups: Collection[str]) -> bool:
    match = _KEY.fullmatch(key)
    return match is not None and (match["option"] in OPTIONS or (match["group"] or "") in groups)


def misspelt(conf: Mapping[str, object], dag: DAG) -> list[Problem]:
    """SM416 for every key that :func:`undeclared` finds, with a suggestion."""
    from ...definition.problems import Problem, did_you_mean

    problems = []
    for key in undeclared(conf, dag):
        own = [name for name in dag.params if name.endswith(f".{key}")]
        near = f"Each pipeline has its own here: {', '.join(own)}." if own else did_you_mean(key, list(dag.params))
        fix = f"{near} Declare keys that other tasks read from the conf in params= of the DAG.".strip()
        problems.append(Problem("SM416", f"conf[{key!r}]", f'"{key}" is not a parameter of this DAG.', fix))
    return problems


def request_in(conf: Mapping[str, object], group: str, groups: Collection[str]) -> SelectiveRequest | None:
    """The request in ``conf`` for the pipeline in task group ``group``; ``None`` if the whole pipeline runs.

    group    "" for a pipeline that is a DAG
    groups   of all pipelines of the DAG

    Raises :class:`InvalidSelection` (SM411) for invalid requests, also for other pipelines:
    otherwise a misspelt option would run everything.
    """
    from ...plan.selection import InvalidSelection
    from ...records.reuse.selective_run import SelectiveRequest

    found: dict[str, dict[str, Any]] = {}
    problems: list[Problem] = []
    for key, value in conf.items():
        match = _KEY.fullmatch(key)
        if match is None or value in (None, ""):
            continue
        other, option = match["group"] or "", match["option"]
        problem = _problem(key, other, option, value, groups)
        if problem is not None:
            problems.append(problem)
        elif option in OPTIONS and other in groups:
            found.setdefault(other, {})[option] = value
    for other, given in found.items():
        problems += _misfits(f"{other}.pipeline." if other else "pipeline.", given)
    if problems:
        raise InvalidSelection("the pipeline", problems)
    wanted = found.get(group)
    if wanted is None:
        return None
    patterns = wanted.get("select") or ()
    patterns = (patterns,) if isinstance(patterns, str) else tuple(patterns)
    return SelectiveRequest(patterns, wanted.get("source_run"), wanted.get("resume") or "")


def _problem(key: str, group: str, option: str, value: object, groups: Collection[str]) -> Problem | None:
    """The problem of one key; ``None`` also for somebody else's key that only resembles ours."""
    from ...definition.problems import Problem, did_you_mean

    if group not in groups:
        if option not in OPTIONS:
            return None
        keys = [f"{name}.pipeline.{option}".lstrip(".") for name in groups]
        what = f'this DAG has no pipeline in a task group "{group}".' if group else "this whole DAG is not a pipeline."
        return Problem("SM411", key, what, did_you_mean(key, keys))
    if option not in OPTIONS:
        keys = [key.removesuffix(option) + name for name in OPTIONS]
        return Problem("SM411", key, f'"{key}" is not an option of a run.', did_you_mean(key, keys))
    if option != "select":
        wrong = not isinstance(value, str)
        return Problem("SM411", key, f"{value!r} is not a run.", 'Write its id, or "latest".') if wrong else None
    words = [value] if isinstance(value, str) else value
    if isinstance(words, list) and words and all(isinstance(word, str) for word in words):
        return None
    return Problem("SM411", key, f"{value!r} does not name steps.", 'Write "Train+", or ["Train", "Evaluate"].')


def _misfits(prefix: str, given: Mapping[str, object]) -> Iterator[Problem]:
    from ...definition.problems import Problem

    if "select" in given and "resume" in given:
        what = f'"{prefix}select" and "{prefix}resume" exclude each other: resuming makes its own selection.'
        yield Problem("SM411", prefix + "resume", what, "Remove one of them.")
    elif "source_run" in given and "select" not in given:
        what = f'"{prefix}source_run" is only used with "{prefix}select", which is missing.'
        yield Problem("SM411", prefix + "source_run", what, f'Add it, or use "{prefix}resume".')
