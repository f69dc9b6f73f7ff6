"""The steps of a run: state, time, cost, cache, cause of a failure, and where to look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import quote

from ..execution.failure_report import cause_of_failure
from ..execution.watch.console_links import console_base, log_url
from ..json_types import JsonObject
from ..records.model.prices import SECONDS, Prices
from ..records.model.timestamps import seconds_between
from ..steps.catalogue import entry_of
from .reading import LONG, as_text, count, line_of, lines, mapping, number, objects, region_in, text, texts, time
from .shapes import AttemptView, CacheView, StepView
from .wording import CACHE, STEPS, said_of

MAX_ATTEMPTS, MAX_METRICS, MAX_CHANGED = 10, 30, 20
Logs = Mapping[str, Sequence[str]]


class StepReader:
    """Makes the views of a run's steps.

    :param run: the member ``run`` of its record
    :param before: the steps of the previous run by name, to say what changed in cache keys
    :param rates: prices of an hour by instance type
    :param logs: last lines of the log, by step
    :param console: whether to link to the AWS console
    """

    def __init__(
        self,
        run: JsonObject,
        before: Mapping[str, JsonObject],
        *,
        rates: Mapping[str, float],
        logs: Logs,
        console: bool,
    ) -> None:
        self._run, self._before, self._rates, self._logs, self._console = run, before, rates, logs, console

    def view(self, step: JsonObject) -> StepView:
        """The view of one step."""
        name, kind, status = (text(step.get(key)) for key in ("step", "type", "status"))
        word, tone = said_of(status, STEPS)
        attempts = [self._attempt(one, kind) for one in objects(step.get("attempts"))[-MAX_ATTEMPTS:]]
        last = attempts[-1] if attempts else None
        seconds, instance = number(step.get("billable_seconds")), text(step.get("instance_type"))
        log = lines(list(self._logs.get(name, ())))
        reason = text(step.get("failure_reason"), LONG)
        metrics = list(mapping(step.get("metrics")).items())[:MAX_METRICS]
        return {
            "step": name,
            "type": kind,
            "loop": text(step.get("loop")),
            "status": status,
            "word": word,
            "tone": tone,
            "started": time(step.get("started")),
            "ended": time(step.get("ended")),
            "seconds": seconds_between(step.get("started"), step.get("ended")),
            "offset": seconds_between(self._run.get("started"), step.get("started")),
            "billable_seconds": seconds,
            "instance_type": instance,
            "cost": _cost(seconds, self._rates.get(instance)),
            "cache": self._cache(name, mapping(step.get("cache"))),
            "cause": (line_of(cause_of_failure(reason, log)) or line_of(reason)).removeprefix(f'Step "{name}": '),
            "reason": reason,
            "log": log,
            "name": last["name"] if last else "",
            "arn": last["arn"] if last else text(mapping(step.get("cache")).get("source_arn")),
            "console": last["console"] if last else "",
            "logs": last["logs"] if last else "",
            "jobs_started": count(step.get("jobs_started")) or 0,
            "attempts": attempts,
            "metrics": {text(key): _metric(value) for key, value in metrics},
        }

    def _attempt(self, attempt: JsonObject, kind: str) -> AttemptView:
        name, arn = text(attempt.get("name")), text(attempt.get("arn"), LONG)
        console, logs = _links(kind, name, arn) if self._console else ("", "")
        return {
            "name": name,
            "arn": arn,
            "status": text(attempt.get("status")),
            "started": time(attempt.get("started")),
            "ended": time(attempt.get("ended")),
            "seconds": seconds_between(attempt.get("started"), attempt.get("ended")),
            "reason": text(attempt.get("failure_reason"), LONG),
            "console": console,
            "logs": logs,
        }

    def _cache(self, step: str, cache: JsonObject) -> CacheView | None:
        if not cache:
            return None
        result = text(cache.get("result")) or "off"
        now = mapping(cache.get("attributes"))
        was = mapping(mapping(mapping(self._before.get(step)).get("cache")).get("attributes"))
        changed = [text(key) for key in (*now, *(key for key in was if key not in now)) if now.get(key) != was.get(key)]
        return {
            "result": result,
            "hit": result in ("hit", "reused"),
            "word": CACHE.get(result, result),
            "source_run": text(cache.get("source_run")),
            "saved_seconds": number(cache.get("saved_seconds")),
            "reason": text(cache.get("reason"), LONG),
            "key": text(cache.get("key")),
            "changed": changed[:MAX_CHANGED] if was else [],
        }


def rates_of(record: JsonObject, prices: Prices | None) -> tuple[Mapping[str, float], str]:
    """Prices of an hour by instance type, and their currency.

    Without ``prices``, from the recorded cost, which has one sum: it gives a price if it is of one instance type.
    """
    if prices is not None:
        return prices.instances, prices.currency
    totals = mapping(record.get("totals"))
    cost = mapping(totals.get("cost"))
    spent = {text(kind): number(seconds) for kind, seconds in mapping(totals.get("billable_by_instance_type")).items()}
    for kind in texts(cost.get("unpriced")):
        spent.pop(kind, None)
    amount = number(cost.get("amount"))
    rates = {
        kind: amount / seconds * SECONDS
        for kind, seconds in spent.items()
        if len(spent) == 1 and amount is not None and seconds
    }
    return rates, text(cost.get("currency"))


def _cost(seconds: float | None, rate: float | None) -> float | None:
    return None if seconds is None or rate is None else number(seconds / SECONDS * rate)


def _metric(value: object) -> float | str:
    found = number(value)
    return as_text(value) if found is None else found


def _links(kind: str, name: str, arn: str) -> tuple[str, str]:
    """Addresses of the resource and of its logs in the AWS console; "" if there is none."""
    entry, region = entry_of(kind), region_in(arn)
    if entry is None or not region or not name:
        return "", ""
    path = entry.console.format(name=quote(name, safe=":/-")) if entry.console else ""
    page = f"{console_base(region)}/sagemaker/home?region={region}#/{path}" if path else ""
    return page, log_url(region, entry.log_group, name) if entry.log_group else ""
