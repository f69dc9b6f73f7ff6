"""x-champion-gate: a job that compares two models' predictions.  Rules: docs/language/steps/champion-gate.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...definition.champion_gate import GATE, IF_NO_CHAMPION_OPTION, NO_CHAMPION
from ...definition.read.strict_json import NotJson, read_json
from ...definition.verdict_job import Program
from ...gate.report import PROMOTE
from ...registry.champion import Version, champion_if_any
from ...registry.errors import RegistryError
from ..exceptions import StepFailed
from ..scope import MAX_READ, Unreadable
from ..step_run import StepRun, Submitted
from .verdict import Resolved, VerdictRunner, resolved_key

MAX_TERMS = 100  # rules, one for each slice, that a result carries; the report has all


class ChampionGateRunner(VerdictRunner):
    """Compares a candidate with the champion of a group."""

    kind = GATE

    def resolved(self, run: StepRun) -> Resolved:
        """The program, and the group with its champion ("" if there is none) and the slices of that one's report."""
        from ...gate import rule_problems
        from ...gate.job import REFUSE

        keys = {key: resolved_key(run, key) for key in ("Rules", "NoChampion")}
        problems = [f"Rules{one.place}: {one.what} {one.fix}".strip() for one in rule_problems(keys["Rules"])]
        if keys["NoChampion"] not in (None, *NO_CHAMPION):
            problems.append(f"NoChampion is {keys['NoChampion']!r}; it is one of {', '.join(NO_CHAMPION)}.")
        if problems:
            raise StepFailed(f'Step "{run.identity.step}": {" ".join(problems)}')
        about = resolved_key(run, "Champion") or {}
        group = str(about.get("ModelPackageGroup") or "").strip()
        if about and not group:  # else the registry would not be asked, and a champion be overlooked
            raise StepFailed(f'Step "{run.identity.step}": Champion.ModelPackageGroup is empty in this run.')
        may_be_missing = str(about.get("GroupMayBeMissing")).lower() == "true"
        champion = _champion(run, group, may_be_missing=may_be_missing) if group else None
        program = GATE.program_of(keys)
        if champion is not None:  # whatever the rules demand, a candidate is never judged without the champion's scores
            program = Program(program.settings, {**program.options, IF_NO_CHAMPION_OPTION: REFUSE})
        facts = {
            "group": group,
            "champion": champion.arn if champion else "",
            "rules": [f"[{index}]" for index in range(len(keys["Rules"]))],
            "slices": _slices_before(run, champion, keys["Rules"]) if champion is not None else {},
        }
        return Resolved(program, facts)

    def check(self, run: StepRun, job: Submitted, report: dict[str, Any]) -> None:
        """Refuse scores of a champion that the registry does not have, and reports that leave out what was asked."""
        group, champion = (str(job.facts.get(key) or "") for key in ("group", "champion"))
        if group and not champion and report.get("no_champion") is None:
            what = f'the predictions have scores of a champion, and the model package group "{group}" has none'
            fix = "Leave the column out where there is no champion, or approve the version that was scored."
            raise StepFailed(f'Step "{run.identity.step}": {what}: no version of it is approved. {fix}')
        judged = {rule.get("rule") for rule in report.get("rules") or []} if report["verdict"] == PROMOTE else None
        missing = [place for place in job.facts.get("rules") or [] if judged is not None and place not in judged]
        if missing:
            what = f"the report promotes without a word on the rule {missing[0]} of this step"
            raise StepFailed(f'Step "{run.identity.step}": {what}, so it decides nothing.')
        if champion and report.get("no_champion") is not None:
            what = f"the report is about no champion, and {champion} is the champion"
            raise StepFailed(f'Step "{run.identity.step}": {what}, so it decides nothing.')
        if vanished := _vanished(job.facts.get("slices") or {}, report.get("slices") or {}):
            raise StepFailed(f'Step "{run.identity.step}": {vanished}')
        report["champion"] = champion

    def decision_of(self, report: Mapping[str, Any], uri: str) -> dict[str, Any]:
        """The verdict with the whole of its rules."""
        rules = [rule for rule in report.get("rules") or [] if isinstance(rule, Mapping)]
        return {
            "Outcome": report["verdict"] == PROMOTE,
            "Verdict": report["verdict"],
            "Sentence": report["sentence"],
            "Terms": [_term(rule) for rule in rules[:MAX_TERMS]],
            "Report": uri,
            "Rules": [dict(rule) for rule in rules[:MAX_TERMS]],
            **{key.capitalize(): report[key] for key in ("records", "champion", "fingerprint") if report.get(key)},
        }


def _term(rule: Mapping[str, object]) -> dict[str, Any]:
    where = f" ({rule['slice']})" if rule.get("slice") else ""
    return {
        "Text": f"{rule.get('metric', '')}{where}",
        "Op": str(rule.get("must") or "holds"),
        "Left": rule.get("candidate"),
        "Right": rule.get("champion"),
        "Result": rule.get("verdict") == PROMOTE,
    }


def _champion(run: StepRun, group: str, *, may_be_missing: bool) -> Version | None:
    try:
        champion = champion_if_any(run.aws.client, group, group_may_be_missing=may_be_missing)
    except RegistryError as error:
        raise StepFailed(f'Step "{run.identity.step}": {error}') from error
    line = f"the champion of {group} is version {champion.number}" if champion else f"{group} has no champion"
    run.log(line)
    return champion


def _vanished(before: Mapping[str, Sequence[str]], now: Mapping[str, Sequence[str]]) -> str:
    """A sentence on slices that the champion was judged on and the report does not have; "" if it has all."""
    from ...gate.problems import first_few

    for column, values in before.items():
        if gone := [value for value in values if value not in now.get(column, ())]:
            return (
                f"no record has {column} = {first_few(gone, len(gone))}, which the champion was judged on. If that is "
                f"as it should be, list the slices that have to be there under Values of the rule."
            )
    return ""


def _slices_before(run: StepRun, champion: Version, rules: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """{column: its values in the report of the gate that the champion passed}, of rules that do not list ``Values``.

    Empty if the version was registered without a report of a gate, or if it cannot be read, which is logged.
    """
    from ...gate.report import GateReport

    columns = {str(rule["Slice"]) for rule in rules if rule.get("Slice") and not rule.get("Values")}
    metrics = (champion.described.get("ModelMetrics") or {}).get("ModelQuality") or {}
    uri = str((metrics.get("Statistics") or {}).get("S3Uri") or "")
    if not columns or not uri:
        return {}
    try:
        slices = GateReport.from_json(read_json(run.scope.read_s3(uri), most_bytes=MAX_READ)).slices
    except NotJson as error:
        run.log(f"the report of the champion, {uri}, {error.predicate()}, so slices that are missing are not noticed")
        return {}
    except (Unreadable, ValueError) as error:  # another program's statistics, or not there any more
        run.log(f"the report of the champion cannot be read, so slices that are missing are not noticed: {error}")
        return {}
    return {column: list(values) for column, values in slices.items() if column in columns}
