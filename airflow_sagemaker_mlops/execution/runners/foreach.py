"""ForEach: runs a body once per item, with limited parallelism (docs/language/steps/foreach.md).

One task runs the whole loop, in the triggerer, so that MaxConcurrency applies to the body as a whole: Airflow can limit
the instances of one mapped task, but not those of several together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ...definition.expressions import parse_value
from ...definition.foreach_arguments import MAX_AT_A_TIME
from ...definition.property_paths import MissingValue, lookup
from ...definition.read.strict_json import NotJson, read_json
from ...definition.values import coerce
from ...plan.spec import BodyStep
from ...steps.catalogue import STEP_TYPES
from ..aws.threads import in_thread
from ..exceptions import StepFailed
from ..job_state import JobState
from ..journal import MemoryJournal, NotedJournal
from ..scope import resolve
from ..scope_values import experiment_block
from ..step_run import StepResult, StepRun, Submitted, now
from ..submit import requested_again
from .base import WaitingRunner, runner_of

if TYPE_CHECKING:
    from ...json_types import JsonObject

RunStep = Callable[[StepRun], Awaitable[StepResult]]
MAX_ERRORS = 20


@dataclass(slots=True)
class _Loop:
    """One run of a ForEach step; ``results`` has the result of each child, by item and name.

    is_continuation   whether it was interrupted before: then its failed children are not run again
    """

    run: StepRun
    run_step: RunStep
    ordinal: int
    is_continuation: bool
    items: list[Any]
    slots: asyncio.Semaphore
    results: list[dict[str, dict[str, Any]]] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def body(self) -> Mapping[str, BodyStep]:
        """The steps of the body, by name."""
        return self.run.spec.body

    @property
    def steps(self) -> int:
        """The number of children."""
        return len(self.items) * len(self.body)

    def count(self, end: str) -> int:
        """The number of children that ended as ``end``."""
        return sum(result.get("Status") == end for item in self.results for result in item.values())


class ForEachRunner(WaitingRunner):
    """Runs the steps of a body.

    run_step, stop_step   run and stop a child, whatever its type: functions of the engine that provides this runner
    """

    may_be_retried = False  # policies apply to its children
    has_children = True
    has_default_stub = False

    def __init__(self, run_step: RunStep, stop_step: Callable[[StepRun], Awaitable[None]]) -> None:
        self.run_step = run_step
        self.stop_step = stop_step

    async def submit(self, run: StepRun) -> Submitted:
        """The run of the loop: a new one after a success, otherwise the same one with its successful children."""
        entry, identity = await run.journal.read(), run.identity
        ordinal = 0 if entry is None else entry.ordinal
        if entry is not None and entry.state.has_succeeded and requested_again(run, entry):
            ordinal += 1
        is_continuation = entry is not None and not entry.state.failure_was_reported and not requested_again(run, entry)
        loop = Submitted(identity.step, "", ordinal, now(), adopted=is_continuation)
        await run.journal.write(loop.entry(identity))
        return loop

    async def follow(self, run: StepRun, job: Submitted) -> StepResult:
        """Run the loop to its end; a child's failure fails the step but does not affect other children."""
        loop = await _loop(run, job, self.run_step)
        run.log(f"{len(loop.items)} items, {len(loop.body)} steps each")
        try:
            async with asyncio.TaskGroup() as group:
                for index in range(len(loop.items)):
                    group.create_task(_iteration(loop, index))
        except BaseExceptionGroup as several:
            raise _first_of(several) from several
        identity = run.identity
        bad = loop.count("Failed") + loop.count("Stopped")
        await run.journal.write(job.entry(identity).advance(JobState.FAILED if bad else JobState.SUCCEEDED))
        result = _result(loop, job)
        if bad:
            first = "; ".join(list(loop.errors.values())[:3])
            error = StepFailed(f'Step "{identity.step}": {bad} of {loop.steps} steps did not succeed. {first}')
            error.result = result.as_json()
            raise error
        return result

    async def stop(self, run: StepRun, name: str, handle: str) -> bool:
        """Stop every running child."""
        children = list(run.running_children.values())
        await asyncio.gather(*(self.stop_step(child) for child in children))
        return bool(children)


def _first_of(error: BaseException) -> BaseException:
    """The first of the errors that ended the loop; it determines the message and the retries."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


async def _loop(run: StepRun, job: Submitted, run_step: RunStep) -> _Loop:
    arguments = run.spec.arguments

    async def value(key: str) -> Any:
        given = parse_value(arguments.get(key), key)
        return await in_thread(run.aws.key, resolve, given, run.scope, f"Arguments.{key}")

    given = items = await value("IterableItems")
    why = ""
    if isinstance(items, str):
        try:
            items = read_json(items)
        except NotJson as error:
            why = f": it {error.predicate()}"
    if not isinstance(items, list):
        shown = repr(str(given)[:80])
        raise StepFailed(f'Step "{run.identity.step}": IterableItems is {shown}, which is not a JSON list{why}.')
    most = await value("MaxConcurrency")
    try:
        limit = int(coerce(most, "integer"))
    except ValueError:
        limit = 0
    if not 1 <= limit <= MAX_AT_A_TIME:
        what = f"MaxConcurrency is {most!r}, but has to be an integer from 1 to {MAX_AT_A_TIME}."
        raise StepFailed(f'Step "{run.identity.step}": {what}')
    return _Loop(run, run_step, job.ordinal, job.adopted, items, asyncio.Semaphore(limit), [{} for _ in items])


async def _iteration(loop: _Loop, index: int) -> None:
    """Run the body for one item: each step starts when its upstream steps in the body have succeeded."""
    ended = {name: asyncio.get_running_loop().create_future() for name in loop.body}

    async def one(name: str) -> None:
        good = False
        try:
            before = [await ended[other] for other in loop.body[name].after]
            good = all(before) and await _child(loop, index, name)
        finally:
            if not ended[name].done():
                ended[name].set_result(good)

    async with asyncio.TaskGroup() as group:
        for name in loop.body:
            group.create_task(one(name))


async def _child(loop: _Loop, index: int, name: str) -> bool:
    """Run one child, or take its result from an earlier attempt of this loop."""
    run, label = loop.run, f"{name}-{index}"
    noted = await run.notes.load(label) if run.identity.try_number > 1 or loop.is_continuation else None
    if noted is not None and noted["Loop"] == loop.ordinal:
        ended: dict[str, Any] = noted["Result"]
        good = bool(ended["Status"] == "Succeeded")
        if good or (loop.is_continuation and ended["Status"] == "Failed"):
            loop.results[index][name] = ended
            if not good:
                loop.errors[label] = ended["Error"]
            return good
    async with loop.slots:
        child = run.running_children[label] = _child_run(loop, index, name)
        if noted is not None:
            await _let_fail_again(child)
        try:
            result = await run.run_child(child, loop.run_step)
        except StepFailed as error:
            loop.errors[label] = str(error)
            for line in error.details.splitlines():
                child.log(line)
            result = {**error.result, "Status": "Stopped" if error.stopped else "Failed", "Error": str(error)}
        del run.running_children[label]  # an interrupted child stays, so that ending the loop stops its job
    loop.results[index][name] = result
    run.log(f"{label}: {result['Status']}")
    await run.notes.save(label, {"Loop": loop.ordinal, "Result": result})
    return bool(result["Status"] == "Succeeded")


async def _let_fail_again(child: StepRun) -> None:
    """Mark the failure in the child's journal as reported, so that the next job is a new one."""
    entry = await child.journal.read()
    if entry is not None and entry.state.has_failed:
        await child.journal.write(entry.advance(JobState.FAILURE_REPORTED))


def _child_run(loop: _Loop, index: int, name: str) -> StepRun:
    run, label = loop.run, f"{name}-{index}"
    step = loop.body[name]
    identity = replace(
        run.identity,
        step=label,
        task_id=f"{run.identity.task_id}.{name}",
        map_index=index,
        generation=run.identity.generation or f"loop{loop.ordinal}",
    )
    scope = replace(
        run.scope,
        step=label,
        item=loop.items[index],
        steps={**run.scope.steps, **loop.results[index]},
        files=step.spec.files,
        experiment=experiment_block(step.spec),
    )

    def log(text: str, *values: object) -> None:
        run.log(f"[{label}] {text % values if values else text}")

    async def publish(facts: Mapping[str, str]) -> None:
        if facts.get("created"):  # the children's links would overwrite each other
            await run.publish({"created": facts["created"]})

    needs_journal = runner_of(STEP_TYPES[step.type]).needs_journal
    return StepRun(
        spec=step.spec,
        step_type=step.type,
        identity=identity,
        scope=scope,
        aws=run.aws,
        log=log,
        publish=publish,
        mask=run.mask,
        journal=NotedJournal(run.notes, f"{label}.job") if needs_journal else MemoryJournal(),
        inbox=run.inbox,
        options=run.options,
        loop=run.identity.step,
        is_continuation=loop.is_continuation,
    )


def _result(loop: _Loop, job: Submitted) -> StepResult:
    run = loop.run
    ends = {f"{end}StepCount": loop.count(end) for end in ("Succeeded", "Failed", "Stopped")}
    status = "Failed" if ends["FailedStepCount"] else "Stopped" if ends["StoppedStepCount"] else "Succeeded"
    facts: dict[str, Any] = {
        "Status": status,
        "InputItemCount": len(loop.items),
        "TotalStepCount": loop.steps,
        **ends,
    }
    outputs = [{name: result.get("Properties") for name, result in item.items()} for item in loop.results]
    properties: dict[str, Any] = {**facts, "IterationOutputs": outputs}
    selector = run.spec.arguments.get("Selector")
    if isinstance(selector, Mapping) and selector and loop.items and status == "Succeeded":
        name, index = _selected(loop, selector)
        properties["Selected"] = outputs[index][name]
        facts["Selector"] = {"StepName": f"{name}-{index}", "Index": index}
    if loop.errors:
        facts["Errors"] = dict(list(loop.errors.items())[:MAX_ERRORS])
    identity = run.identity
    return StepResult(
        identity.step,
        run.step_type,
        None,
        None,
        run.pruned(properties),
        job.since,
        now(),
        status=status,
        facts={"Loop": facts},
    )


def _selected(loop: _Loop, selector: JsonObject) -> tuple[str, int]:
    """(step, index) of the iteration whose Field is the largest or smallest; the first of equals."""
    wanted = parse_value(selector["Field"], "Selector.Field")
    sign = -1.0 if selector.get("Pick") == "MaxBy" else 1.0
    step = loop.run.identity.step
    found: list[tuple[float, int]] = []
    for index, item in enumerate(loop.results):
        try:
            value = lookup((item.get(wanted.name) or {}).get("Properties") or {}, wanted.path)
        except MissingValue as missing:
            raise StepFailed(f'Step "{step}" cannot select: {missing} in item {index} for {wanted.text}.') from None
        try:
            found.append((sign * float(coerce(value, "double")), index))
        except ValueError:
            what = f"{wanted.text} is {value!r} in item {index}, which is not a number."
            raise StepFailed(f'Step "{step}" cannot select: {what}') from None
    return wanted.name, min(found)[1]
