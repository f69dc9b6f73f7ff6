"""``parameters=`` of a pipeline -> params of the trigger form, and values that are rendered in each run.

A value is data unless it is an Airflow template or the result of another task; the pipeline's first task renders those
two once in each run.  The document itself is never rendered, and neither is a run's conf.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, cast

from airflow.sdk import DAG, Param, TaskGroup
from airflow.sdk.definitions.param import ParamsDict

from ..definition.problems import InvalidPipeline, Problem, did_you_mean
from ..definition.secret_names import holds_secret
from ..definition.values import SCALARS, given_value

if TYPE_CHECKING:
    from ..plan.model import ParameterPlan, Plan

JSON_TYPES = {"String": "string", "Integer": "integer", "Float": "number", "Boolean": "boolean"}
MAX_USERS, LONGEST_DEFAULT = 3, 20  # in a parameter's help, which is part of the serialized DAG


@dataclass(frozen=True, slots=True)
class Parameters:
    """The parameters of one pipeline in a DAG.

    params   params of the trigger form, by parameter name
    at_run   templates and results of other tasks, by parameter name; their fields in the form are empty
    given    names that the DAG file gives a value
    secrets  values from the DAG file that are kept out of the form and the serialized DAG, by parameter name
    source   name of the definition
    """

    params: Mapping[str, Param] = field(default_factory=dict)
    at_run: Mapping[str, Any] = field(default_factory=dict)
    given: frozenset[str] = frozenset()
    secrets: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""


class PipelineGroup(Protocol):
    """A task group of a pipeline.

    exposed   names of the DAG's params that belong to it
    """

    parameters: Parameters
    exposed: set[str]
    prefix_group_id: bool

    @property
    def group_id(self) -> str | None:
        """As of any task group."""


def parameters_of(plan: Plan, given: object) -> Parameters:
    """The parameters of ``plan`` with the values ``given`` in the DAG file.

    Raises :class:`InvalidPipeline` with every problem: SM401 for a name that is not declared, SM413 for a value that
    does not fit its parameter, SM414 for a template that cannot be parsed.
    """
    declared = {parameter.name: parameter for parameter in plan.parameters}
    users = _users(plan)
    if given is None:
        return Parameters(
            {name: _param(parameter, {}, {}, users) for name, parameter in declared.items()}, source=plan.source
        )
    if not isinstance(given, Mapping):
        raise InvalidPipeline(plan.source, [_no_mapping(given)])
    from ..templates import as_data, is_result, is_template, template_error  # few DAG files need them

    problems: list[Problem] = []
    fixed: dict[str, Any] = {}
    at_run: dict[str, Any] = {}
    for name, value in given.items():
        place = f"parameters[{name!r}]"
        if name not in declared:
            what = f'parameter "{name}" is not declared.'
            problems.append(Problem("SM401", place, what, did_you_mean(str(name), declared)))
        elif is_template(value) or is_result(value):
            wrong = template_error(value) if isinstance(value, str) else ""
            if wrong:
                fix = "Correct it, or wrap text that is not a template in literal(...) from airflow.sdk."
                problems.append(Problem("SM414", place, f'"{value}" is not an Airflow template: {wrong}.', fix))
            at_run[name] = value
        elif value is not None:
            try:
                fixed[name] = given_value(as_data(value), declared[name].type, declared[name].enum, name)
            except ValueError as error:
                problems.append(Problem("SM413", place, str(error), _fix(value)))
        else:
            fixed[name] = None
    if problems:
        raise InvalidPipeline(plan.source, problems)
    params = {name: _param(parameter, fixed, at_run, users) for name, parameter in declared.items()}
    secrets = {name: value for name, value in fixed.items() if holds_secret(name, value)}
    return Parameters(params, at_run, frozenset(fixed) | frozenset(at_run), secrets, plan.source)


def check_schedule(plan: Plan, params: Mapping[str, object], schedule: object) -> None:
    """Require a default for every parameter, as on the service, because a scheduled run supplies no values.

    params   the DAG's params for the parameters of ``plan``, by parameter name

    Raises :class:`InvalidPipeline` (SM402).
    """
    if schedule is None:
        return
    missing = [p.name for p in plan.parameters if _wants_a_value(params[p.name])]
    if missing:
        raise InvalidPipeline(
            plan.source,
            [
                Problem(
                    "SM402",
                    f"$.Parameters ({name})",
                    f'parameter "{name}" has no default, but scheduled runs supply no values.',
                    f'Give it a "DefaultValue", pass parameters={{"{name}": ...}}, or use schedule=None.',
                )
                for name in missing
            ],
        )


def check_defaults(plan: Plan, params: Mapping[str, object]) -> None:
    """Refuse a default that does not fit its parameter, which the DAG's own ``params=`` may have.

    params   as for :func:`check_schedule`

    Raises :class:`InvalidPipeline` (SM413).
    """
    problems = []
    for parameter in plan.parameters:
        name, param = parameter.name, params[parameter.name]
        value = param if not isinstance(param, Param) else param.value if param.has_value else None
        if value is not None and value != parameter.default:
            try:
                given_value(value, parameter.type, parameter.enum, name)
            except ValueError as error:
                problems.append(Problem("SM413", f"params[{name!r}]", str(error)))
    if problems:
        raise InvalidPipeline(plan.source, problems)


def one_owner(parameters: Parameters, params: Mapping[str, object] | None) -> None:
    """Refuse a parameter with different values in ``parameters=`` and ``params=`` (SM415): one would be ignored."""
    of_dag = params or {}
    both = [name for name in sorted(parameters.given) if name in of_dag and _differs(parameters, of_dag, name)]
    if both:
        raise InvalidPipeline(
            parameters.source,
            [
                Problem(
                    "SM415",
                    f"parameters[{name!r}]",
                    f'"{name}" has another value in params=, but only one of the two can apply.',
                    "Remove one of them.",
                )
                for name in both
            ],
        )


def params_with(dag: DAG, group: PipelineGroup) -> ParamsDict:
    """The params of ``dag`` with those of its pipeline groups, now that ``group`` is one of them.

    Groups share a param if type, choices and default are the same, and use a param that the DAG's author has declared.
    Otherwise each has its own, ``<group id>.<name>``.  Raises :class:`InvalidPipeline` (SM415) if that is impossible,
    because a group without a prefix has no separate name.
    """
    groups = [other for other in _groups(dag) if other is not group] + [group]
    shown = {name for other in groups for name in other.exposed}
    theirs = {name: dag.params.get_param(name) for name in dag.params if name not in shown}
    of_dag: Parameters | None = getattr(dag, "parameters", None)
    found, problems = dict(theirs), []
    exposed: dict[str | None, set[str]] = {other.group_id: set() for other in groups}
    for name in {name: None for other in groups for name in other.parameters.params}:
        claims = [other for other in groups if name in other.parameters.params]
        apart = list(_apart(name, claims, theirs.get(name), of_dag))
        for other in claims:
            if other not in apart:
                if name not in theirs:
                    found[name] = _with_help_of_both(found.get(name), other.parameters.params[name])
                    exposed[other.group_id].add(name)
            elif other.prefix_group_id:
                own = f"{other.group_id}.{name}"
                found[own] = _titled(other.parameters.params[name], own)
                exposed[other.group_id].add(own)
            else:
                problems.append(_indistinguishable(name, other, claims))
    if problems:
        raise InvalidPipeline(group.parameters.source, problems)
    for other in groups:
        other.exposed = exposed[other.group_id]
    return ParamsDict(found)


def params_of_group(params: ParamsDict, group: PipelineGroup) -> dict[str, Any]:
    """The DAG's ``params`` that belong to ``group``, by parameter name."""
    names = {name: f"{group.group_id}.{name}" for name in group.parameters.params}
    return {name: params.get_param(own if own in group.exposed else name) for name, own in names.items()}


def _groups(dag: DAG) -> Iterator[PipelineGroup]:
    # Not dag.task_group_dict, which is cached on first use: groups created later would be missing.
    for node in dag.task_group.get_task_group_dict().values():
        if isinstance(node, TaskGroup) and isinstance(getattr(node, "parameters", None), Parameters):
            yield cast("PipelineGroup", node)


def _apart(
    name: str, claims: Sequence[PipelineGroup], theirs: Param | None, of_dag: Parameters | None
) -> Iterable[PipelineGroup]:
    """The groups in ``claims`` that need a separate param."""
    if theirs is None:
        first = _meaning(claims[0].parameters, name)
        return claims if any(_meaning(other.parameters, name) != first for other in claims) else ()
    if of_dag is not None and of_dag.params.get(name) is theirs:
        meant = _meaning(of_dag, name)
        return [other for other in claims if _meaning(other.parameters, name) != meant]
    differ = (other for other in claims if name in other.parameters.given)  # otherwise the DAG's author has declared it
    return [other for other in differ if _differs(other.parameters, {name: theirs}, name)]


def _differs(parameters: Parameters, params: Mapping[str, object] | ParamsDict, name: str) -> bool:
    """Whether the value in ``parameters`` differs from the one that the DAG's author gives in ``params``."""
    theirs = params.get_param(name) if isinstance(params, ParamsDict) else params[name]
    value = theirs.value if isinstance(theirs, Param) else theirs
    return name in parameters.at_run or parameters.params[name].value != value


def _meaning(parameters: Parameters, name: str) -> tuple[Any, ...]:
    """The attributes that must be equal for two pipelines to share a param."""
    param = parameters.params[name]
    value = param.value if param.has_value else None
    at_run = parameters.at_run.get(name)
    rendered = at_run if isinstance(at_run, str) else id(at_run)
    schema = str(param.schema.get("type")), str(param.schema.get("enum"))
    return (type(value), value, rendered, parameters.secrets.get(name), *schema)


def _with_help_of_both(before: Param | None, param: Param) -> Param:
    """``param``, including the help of ``before``, the param of another group that shares it."""
    if before is None or not param.description or param.description in (before.description or ""):
        return before or param
    about = " ".join(filter(None, (before.description, param.description)))
    return Param(param.value, about, **param.schema)


def _titled(param: Param, title: str) -> Param:
    return Param(param.value, param.description, **{**param.schema, "title": title})


def _indistinguishable(name: str, group: PipelineGroup, claims: Sequence[PipelineGroup]) -> Problem:
    others = ", ".join(f'"{other.group_id}"' for other in claims if other is not group) or "the DAG itself"
    what = f'task group "{group.group_id}" and {others} give parameter "{name}" different defaults or types.'
    fix = f'"{group.group_id}" has prefix_group_id=False, so it cannot have a separate param: remove that option.'
    return Problem("SM415", f"parameters[{name!r}]", what, fix)


def _users(plan: Plan) -> dict[str, list[str]]:
    """{parameter: names of the steps that use it}, in the order of the plan."""
    users: dict[str, list[str]] = {}
    for task in plan.tasks:
        for name in dict.fromkeys(name for name, _ in task.spec.all_parameters):
            users.setdefault(name, []).append(task.task_id)
    return users


def helps_of(plan: Plan) -> dict[str, str]:
    """{parameter: help text in the form}, for the parameters that the definition does not describe."""
    users = _users(plan)
    return {p.name: _help(users.get(p.name, ()), p.default) for p in plan.parameters if not p.description}


def _help(users: Sequence[str], default: object) -> str:
    """The help text of a parameter that the definition does not describe, without choices, which the field lists."""
    if not users:
        return "Not used by any step."
    more = f" and {len(users) - MAX_USERS} more" if len(users) > MAX_USERS else ""
    used_by = f"Used by {', '.join(users[:MAX_USERS])}{more}."
    word = default if isinstance(default, str) else "" if default is None else json.dumps(default)
    is_plain = word.strip() == word != "" and word.isprintable() and len(word) <= LONGEST_DEFAULT
    return f"{used_by} Default: {word}." if is_plain else used_by


def _param(
    parameter: ParameterPlan,
    fixed: Mapping[str, object],
    at_run: Mapping[str, object],
    users: Mapping[str, Sequence[str]],
) -> Param:
    schema: dict[str, Any] = {"type": JSON_TYPES[parameter.type], "title": parameter.name}
    if parameter.enum:
        schema["enum"] = list(parameter.enum)
    by = users.get(parameter.name, ())
    if parameter.name in at_run:
        value = at_run[parameter.name]
        shown = f"`{value}`, rendered in each run" if isinstance(value, str) else _origin(value)
        return _left_empty(parameter, shown, schema, by)
    default = fixed.get(parameter.name, parameter.default)
    if holds_secret(parameter.name, default):
        return _left_empty(parameter, "the default, which is not shown", schema, by)
    # Plain text, which Airflow's form shows just as well and which adds no markup to the serialized DAG.
    about = None if parameter.description else _help(by, default)
    if parameter.description:
        schema["description_md"] = parameter.description
    if default is None:
        if parameter.type == "String":
            schema["minLength"] = 1
        return Param(description=about, **schema)
    return Param(default, about, **schema)


def _left_empty(parameter: ParameterPlan, shown: str, schema: dict[str, Any], users: Sequence[str]) -> Param:
    """The param for a value that is rendered in each run or secret: empty in the form, with a help text."""
    schema["type"] = ["null", schema["type"]]
    if parameter.enum:
        schema["enum"].append(None)
    about = f"{parameter.description}\n\n" if parameter.description else f"{_help(users, None)} "
    schema["description_md"] = f"{about}Left empty: {shown}."
    return Param(None, **schema)


def _origin(value: Any) -> str:
    if type(value).__name__ == "MappedArgument":
        return "the value that its task group is mapped over"
    tasks = sorted({operator.task_id for operator, _ in value.iter_references()})
    return f"the result of {', '.join(tasks)}" if tasks else "the value that the DAG file sets for each run"


def _wants_a_value(param: object) -> bool:
    if not isinstance(param, Param) or param.has_value:
        return False
    kind = param.schema.get("type")
    return not (isinstance(kind, list) and "null" in kind)


def _no_mapping(given: object) -> Problem:
    what = f"parameters= is a {type(given).__name__}, but must be a mapping of names to values."
    fix = 'Write {"Name": value}; a value is a string, a number, a template, or the result of a task.'
    return Problem("SM413", "parameters", what, fix)


def _fix(value: object) -> str:
    if isinstance(value, SCALARS):
        return ""
    if hasattr(value, "output") and hasattr(value, "task_id"):
        return f"To use the result of that task, write {value.task_id}.output."
    if hasattr(value, "isoformat"):
        return f'Write it as a string, "{value.isoformat()}".'
    return "A parameter is a string, a number or a boolean; write anything else as JSON text."
