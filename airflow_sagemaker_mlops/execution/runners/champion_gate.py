"""x-champion-gate: a job that compares two models' predictions.  Rules: docs/language/steps/champion-gate.md."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...definition.champion_gate import GATE, IF_NO_CHAMPION_OPTION, NO_CHAMPION
from ...definition.verdict_job import Program
from ...gate.report import PROMOTE
from ...registry.champion import champion_if_any
from ...registry.errors import RegistryError
from ..exceptions import StepFailed
from ..step_run import StepRun, Submitted
from .verdict import Resolved, VerdictRunner, resolved_key

MOST_TERMS = 100  # rules, one for each slice, that a result carries; the report has all


class ChampionGateRunner(VerdictRunner):
    """Compares a candidate with the champion of a group."""

    name = "champion_gate"
    kind = GATE

    def resolved(self, run: StepRun) -> Resolved:
        """The program, and the group with the ARN of its champion, "" if there is none."""
        from ...gate import rule_problems
        from ...gate.job import REFUSE

        keys = {key: resolved_key(run, key) for key in ("Rules", "NoChampion")}
        problems = [f"Rules{one.place}: {one.what} {one.fix}".strip() for one in rule_problems(keys["Rules"])]
        if keys["NoChampion"] not in (None, *NO_CHAMPION):
            problems.append(f"NoChampion is {keys['NoChampion']!r}; it is one of {', '.join(NO_CHAMPION)}.")
        if problems:
            raise StepFailed(f'Step "{run.identity.step}": {" ".join(problems)}')
        about = resolved_key(run, "Champion") or {}
        group = str(about.get("ModelPackageGroup") or "")
        may_be_missing = str(about.get("GroupMayBeMissing")).lower() == "true"
        champion = _champion(run, group, may_be_missing=may_be_missing) if group else ""
        program = GATE.program_of(keys)
        if champion:  # whatever the rules demand, a candidate is never judged without the champion's scores
            program = Program(program.settings, {**program.options, IF_NO_CHAMPION_OPTION: REFUSE})
        places = [f"[{index}]" for index in range(len(keys["Rules"]))]
        return Resolved(program, {"group": group, "champion": champion, "rules": places})

    def check(self, run: StepRun, job: Submitted, report: dict[str, Any]) -> None:
        """Refuse scores of a champion that the registry does not have, and promotions that leave out what was asked."""
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
        report["champion"] = champion

    def decision_of(self, report: Mapping[str, Any], uri: str) -> dict[str, Any]:
        """The verdict with the whole of its rules."""
        rules = [rule for rule in report.get("rules") or [] if isinstance(rule, Mapping)]
        return {
            "Outcome": report["verdict"] == PROMOTE,
            "Verdict": report["verdict"],
            "Sentence": report["sentence"],
            "Terms": [_term(rule) for rule in rules[:MOST_TERMS]],
            "Report": uri,
            "Rules": [dict(rule) for rule in rules[:MOST_TERMS]],
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


def _champion(run: StepRun, group: str, *, may_be_missing: bool) -> str:
    """ARN of the champion of ``group``; "" if there is none."""
    try:
        champion = champion_if_any(run.aws.client, group, group_may_be_missing=may_be_missing)
    except RegistryError as error:
        raise StepFailed(f'Step "{run.identity.step}": {error}') from error
    if champion is None:
        run.tell(f"{group} has no champion")
        return ""
    run.tell(f"the champion of {group} is version {champion.number}")
    return champion.arn
