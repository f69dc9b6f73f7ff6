"""A champion changes once per baseline, whoever competes and whenever a process is killed."""

from __future__ import annotations

import copy
import itertools
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from fake_registry import ARN, GROUP, FakeRegistry, Killed

from airflow_sagemaker_mlops.registry.champion import champion_of
from airflow_sagemaker_mlops.registry.change import Baseline, Change, Changed, baseline_of
from airflow_sagemaker_mlops.registry.errors import Abandoned, ChampionChanged, RegistryError
from airflow_sagemaker_mlops.registry.history import History
from airflow_sagemaker_mlops.registry.promotion import promote
from airflow_sagemaker_mlops.registry.rollback import rollback
from airflow_sagemaker_mlops.registry.settle import settle

FOLDER = "prefix/champions/late-flights/"


def history(fake: FakeRegistry) -> History:
    return History(fake, "s3://bucket/prefix", GROUP)


def compared(fake: FakeRegistry) -> Baseline:
    return baseline_of(champion_of(fake.client, GROUP), history(fake))


def change(arn: str, baseline: Baseline, run: str, sentence: str = "AUC 0.68 against 0.64: better.") -> Change:
    by = {"dag_id": "late", "run_id": run, "step": "Promote"}
    return Change(arn, baseline, ident=f"{run}-promote", by=by, sentence=sentence, at="2026-11-30T05:00:00.000Z")


def promoted(fake: FakeRegistry, arn: str, run: str, baseline: Baseline | None = None) -> Changed:
    return promote(fake.client, history(fake), change(arn, baseline or compared(fake), run), print)


def two_champions() -> FakeRegistry:
    fake = FakeRegistry()
    promoted(fake, fake.version(1), "monday")
    promoted(fake, fake.version(2), "tuesday")
    return fake


def state(fake: FakeRegistry) -> dict[str, Any]:
    """What registry, history and pointer say, which has to agree."""
    stages = {
        package["ModelPackageVersion"]: (
            package["ModelApprovalStatus"],
            *(package.get("ModelLifeCycle") or {"Stage": "", "StageStatus": ""}).values(),
        )[:3]
        for package in fake.packages.values()
    }
    entries = [json.loads(body) for (_, key), body in sorted(fake.objects.items()) if key.startswith(FOLDER + "0")]
    pointer = fake.objects.get(("bucket", f"{FOLDER}champion.json"))
    return {
        "stages": stages,
        "entries": [(entry["number"], entry["kind"], entry["model_package"].rpartition("/")[2]) for entry in entries],
        "pointer": json.loads(pointer)["number"] if pointer else None,
    }


def test_the_candidate_is_in_production_and_the_champion_before_is_archived() -> None:
    fake = two_champions()
    assert state(fake) == {
        "stages": {1: ("Approved", "Archived", "Retired"), 2: ("Approved", "Production", "Approved")},
        "entries": [(1, "promotion", "1"), (2, "promotion", "2")],
        "pointer": 2,
    }
    package = fake.packages[f"{ARN}2"]
    assert package["ApprovalDescription"] == "AUC 0.68 against 0.64: better."
    assert package["CustomerMetadataProperties"] == {
        "sagemaker-mlops:promotion": f"s3://bucket/{FOLDER}000002.json",
        "sagemaker-mlops:promoted-by": "run tuesday of late",
    }


def test_who_approved_a_candidate_stays_named() -> None:
    fake = FakeRegistry()
    arn = fake.version(1, ModelApprovalStatus="Approved", ApprovalDescription="Approved by ann.")
    promoted(fake, arn, "monday", Baseline(0, arn))
    assert fake.packages[arn]["ApprovalDescription"] == "Approved by ann."
    assert fake.packages[arn]["ModelLifeCycle"]["StageDescription"].endswith("AUC 0.68 against 0.64: better.")


def test_a_candidate_that_was_approved_meanwhile_is_not_the_champion_yet() -> None:
    fake = FakeRegistry()
    first = compared(fake)
    promoted(fake, fake.version(1, ModelApprovalStatus="Approved"), "monday", first)
    by_hand = FakeRegistry()
    old = by_hand.version(1, ModelApprovalStatus="Approved")
    baseline = compared(by_hand)
    promoted(by_hand, by_hand.version(2, ModelApprovalStatus="Approved"), "monday", baseline)
    assert (baseline.arn, champion_of(by_hand.client, GROUP).number) == (old, 2)  # type: ignore[union-attr]


def test_a_retry_of_a_promotion_that_was_made_makes_none() -> None:
    fake = two_champions()
    before = state(fake)
    again = promoted(fake, f"{ARN}2", "tuesday", Baseline(1, f"{ARN}1"))
    assert (again.entry.number, again.superseded) == (2, None)
    assert state(fake) == before


def test_who_compared_with_an_earlier_champion_loses_and_is_reported_by_which_run() -> None:
    fake = two_champions()
    with pytest.raises(ChampionChanged) as error:
        promoted(fake, fake.version(3), "slow", Baseline(1, f"{ARN}1"))
    assert str(error.value) == (
        'The champion of "late-flights" changed since the comparison with version 1: run tuesday of late promoted '
        f"version 2 at 2026-11-30T05:00:00.000Z (s3://bucket/{FOLDER}000002.json). Nothing was promoted. Compare with "
        "the current champion."
    )
    assert fake.packages[f"{ARN}3"]["ModelApprovalStatus"] == "PendingManualApproval"


def test_a_champion_set_in_the_registry_by_hand_is_the_champion_to_beat() -> None:
    fake = two_champions()
    before = compared(fake)
    cycle = {"Stage": "Production", "StageStatus": "Approved"}
    by_hand = fake.version(3, ModelApprovalStatus="Approved", ModelLifeCycle=cycle)
    fake.packages[f"{ARN}2"]["ModelLifeCycle"] = {"Stage": "Archived", "StageStatus": "Retired"}
    with pytest.raises(ChampionChanged, match="version 3 is the champion now, by a change in the registry itself"):
        promoted(fake, fake.version(4), "slow", before)
    assert compared(fake) == Baseline(2, by_hand)
    assert promoted(fake, fake.version(5), "next").entry.number == 3
    assert state(fake)["stages"][3] == ("Approved", "Archived", "Retired")


def test_a_rollback_makes_the_champion_before_the_champion_and_rejects_the_other() -> None:
    fake = two_champions()
    rollback(fake.client, history(fake), ident="r", by={"user": "ann"}, reason="Late answers.", log=print)
    assert state(fake) == {
        "stages": {1: ("Approved", "Production", "Approved"), 2: ("Rejected", "Archived", "RolledBack")},
        "entries": [(1, "promotion", "1"), (2, "promotion", "2"), (3, "rollback", "1")],
        "pointer": 3,
    }
    assert fake.packages[f"{ARN}2"]["ApprovalDescription"] == "Rolled back by ann. Late answers."
    with pytest.raises(RegistryError, match="no champion before version 1"):
        rollback(fake.client, history(fake), ident="s", by={"user": "ann"}, reason="Again.", log=print)


def test_a_second_rollback_goes_to_the_champion_before_that_and_never_to_a_rejected_one() -> None:
    fake = two_champions()
    promoted(fake, fake.version(3), "wednesday")
    for name, version in (("r", None), ("s", 2)):
        how: Any = {"ident": name, "by": {"user": "ann"}, "reason": "No good.", "expected": version}
        rollback(fake.client, history(fake), log=print, **how)
    assert champion_of(fake.client, GROUP).number == 1  # type: ignore[union-attr]


def test_a_champion_that_was_rejected_in_the_registry_is_the_one_that_is_rolled_back() -> None:
    fake = two_champions()
    promoted(fake, fake.version(3), "wednesday")
    fake.packages[f"{ARN}3"] |= {"ModelApprovalStatus": "Rejected", "ApprovalDescription": "Unfair, says ann."}
    rollback(fake.client, history(fake), ident="r", by={"user": "ben"}, reason="As ann says.", log=print, expected=3)
    assert champion_of(fake.client, GROUP).number == 2  # type: ignore[union-attr]
    assert state(fake)["stages"][3] == ("Rejected", "Archived", "RolledBack")
    assert fake.packages[f"{ARN}3"]["ApprovalDescription"] == "Unfair, says ann."


def test_losers_and_versions_of_other_groups_are_not_promoted() -> None:
    fake = FakeRegistry()
    loser = fake.version(1, ModelApprovalStatus="Rejected", ApprovalDescription="AUC 0.61 against 0.64: worse.")
    with pytest.raises(RegistryError, match=r"was rejected \(AUC 0.61 against 0.64: worse.\)"):
        promoted(fake, loser, "monday")
    other = fake.version(2, ModelPackageGroupName="churn")
    with pytest.raises(RegistryError, match='a version of "churn", and not of "late-flights"'):
        promoted(fake, other, "monday")
    assert state(fake)["entries"] == []


def test_a_history_under_another_prefix_is_refused_since_it_would_exclude_nobody() -> None:
    fake = two_champions()
    elsewhere = History(fake, "s3://bucket/elsewhere", GROUP)
    wanted = change(fake.version(3), baseline_of(champion_of(fake.client, GROUP), elsewhere), "wednesday")
    with pytest.raises(RegistryError, match="Two histories would not exclude each other"):
        promote(fake.client, elsewhere, wanted, print)


def test_a_history_that_was_deleted_continues_where_the_registry_says() -> None:
    fake = two_champions()
    for place in [place for place in fake.objects if place[1].startswith(FOLDER)]:
        del fake.objects[place]
    assert promoted(fake, fake.version(3), "wednesday").entry.number == 3


def test_of_fifty_promotions_on_one_baseline_one_is_made() -> None:
    fake = two_champions()
    baseline = compared(fake)
    arns = [fake.version(number) for number in range(3, 53)]
    ends: list[Any] = []

    def one(arn: str) -> None:
        try:
            ends.append(promoted(fake, arn, f"run {arn[-2:]}", baseline))
        except ChampionChanged as error:
            ends.append(error)

    with ThreadPoolExecutor(50) as pool:
        list(pool.map(one, arns))
    [made] = [end for end in ends if isinstance(end, Changed)]
    assert len(ends) == 50
    found = state(fake)
    assert [number for number, _, _ in found["entries"]] == [1, 2, 3]
    production = [number for number, (_, stage, _) in found["stages"].items() if stage == "Production"]
    assert production == [made.version.number]


def test_of_fifty_runs_that_compare_again_after_losing_each_replaces_the_champion_it_compared_with() -> None:
    fake = two_champions()
    arns = [fake.version(number) for number in range(3, 53)]
    lost: list[str] = []
    all_have_compared = threading.Barrier(50)

    def one(arn: str) -> Changed:
        baseline = compared(fake)
        all_have_compared.wait()
        while True:
            try:
                made = promoted(fake, arn, f"run {arn[-2:]}", baseline)
            except ChampionChanged:
                lost.append(arn)
                baseline = compared(fake)
                continue
            assert (made.entry.replaced, made.entry.number) == (baseline.arn, baseline.number + 1)
            return made

    with ThreadPoolExecutor(50) as pool:
        list(pool.map(one, arns))
    entries = [json.loads(body) for (_, key), body in sorted(fake.objects.items()) if key.startswith(f"{FOLDER}0")]
    assert [entry["number"] for entry in entries] == list(range(1, 53))
    pairs = list(itertools.pairwise(entries))
    assert all(later["replaced"] == before["model_package"] for before, later in pairs)
    assert len(set(lost)) == 49
    production = [number for number, (_, stage, _) in state(fake)["stages"].items() if stage == "Production"]
    assert [str(number) for number in production] == [entries[-1]["model_package"].rpartition("/")[2]]


def kills(fake: FakeRegistry, arn: str, baseline: Baseline) -> int:
    """How many calls a promotion makes."""
    trial = copy.copy(fake)
    trial.packages, trial.objects, trial.calls = copy.deepcopy(fake.packages), dict(fake.objects), []
    promoted(trial, arn, "wednesday", baseline)
    return len(trial.calls)


@pytest.mark.parametrize("after", [False, True], ids=["before the call", "after the call"])
def test_killed_at_any_call_a_retry_ends_in_agreement(after: bool) -> None:
    start = two_champions()
    arn, baseline = start.version(3), compared(start)
    calls = kills(start, arn, baseline)
    promoted(start_of := copied(start), arn, "wednesday", baseline)
    wanted = state(start_of)
    assert calls > 10
    for at in range(1, calls + 1):
        fake = copied(start)
        fake.kill, fake.after = at, after
        with pytest.raises(Killed):
            promoted(fake, arn, "wednesday", baseline)
        fake.kill = 0
        promoted(fake, arn, "wednesday", baseline)
        assert state(fake) == wanted, f"killed at call {at}"


@pytest.mark.parametrize("after", [False, True], ids=["before the call", "after the call"])
def test_killed_at_any_call_and_never_retried_the_next_promotion_ends_in_agreement(after: bool) -> None:
    start = two_champions()
    arn, baseline = start.version(3), compared(start)
    for at in range(1, kills(start, arn, baseline) + 1):
        fake = copied(start)
        fake.kill, fake.after = at, after
        with pytest.raises(Killed):
            promoted(fake, arn, "wednesday", baseline)
        fake.kill = 0
        other = fake.version(4)
        try:
            promoted(fake, other, "thursday")
        except ChampionChanged:  # it compared with the champion of a promotion that was half made
            promoted(fake, other, "thursday")
        settle(fake.client, history(fake), print)
        found = state(fake)
        production = [number for number, (_, stage, _) in found["stages"].items() if stage == "Production"]
        assert (production, found["pointer"]) == ([4], found["entries"][-1][0]), f"killed at call {at}"
        assert found["entries"][-1][2] == "4"


def test_a_process_that_slept_through_a_later_promotion_does_not_undo_it() -> None:
    """It wakes at each of its calls after the other's whole promotion."""
    start = two_champions()
    arn, later, baseline = start.version(3), start.version(4), compared(start)
    for at in range(1, kills(start, arn, baseline) + 1):
        fake = copied(start)
        asleep = [at]

        def before(_name: str, fake: FakeRegistry = fake, asleep: list[int] = asleep) -> None:
            asleep[0] -= 1
            if asleep[0] == 0:
                other = copy.copy(fake)
                other.before = lambda _name: None
                try:
                    promoted(other, later, "thursday")
                except ChampionChanged:
                    promoted(other, later, "thursday")

        fake.before = before
        with suppress(ChampionChanged):
            promoted(fake, arn, "wednesday", baseline)
        found = state(fake)
        production = [number for number, (_, stage, _) in found["stages"].items() if stage == "Production"]
        assert [str(number) for number in production] == [found["entries"][-1][2]], f"slept at call {at}"
        assert found["pointer"] == found["entries"][-1][0], f"slept at call {at}"


def rejected(fake: FakeRegistry, arn: str) -> None:
    fake.packages[arn] |= {"ModelApprovalStatus": "Rejected", "ApprovalDescription": "Unfair, says ann."}


@pytest.mark.parametrize("after", [False, True], ids=["before the call", "after the call"])
@pytest.mark.parametrize("finisher", ["a retry", "the next promotion", "the next rollback"])
def test_a_rejection_after_a_kill_at_any_call_is_never_undone(after: bool, finisher: str) -> None:
    start = two_champions()
    arn, baseline = start.version(3), compared(start)
    stayed = 0
    for at in range(1, kills(start, arn, baseline) + 1):
        fake = copied(start)
        fake.kill, fake.after = at, after
        with pytest.raises(Killed):
            promoted(fake, arn, "wednesday", baseline)
        fake.kill = 0
        rejected(fake, arn)
        had_two = champion_of(fake.client, GROUP) is not None
        if finisher == "a retry":
            with pytest.raises(RegistryError, match="rejected"):
                promoted(fake, arn, "wednesday", baseline)
            stayed += had_two
            assert (champion_of(fake.client, GROUP) is not None) is had_two, f"killed at call {at}"
        elif finisher == "the next promotion":
            promoted(fake, fake.version(4), "thursday")
            assert champion_of(fake.client, GROUP).number == 4, f"killed at call {at}"  # type: ignore[union-attr]
        else:
            rollback(fake.client, history(fake), ident="r", by={"user": "ben"}, reason="Unfair.", log=print)
        assert fake.packages[arn]["ModelApprovalStatus"] == "Rejected", f"killed at call {at}"
    assert stayed > 10 or finisher != "a retry"


def interrupted(fake: FakeRegistry, work: Any, call: str) -> None:
    """Kill ``work`` right before its first ``call``."""

    def before(name: str) -> None:
        if name.startswith(call):
            raise Killed(name)

    fake.before = before
    with pytest.raises(Killed):
        work()
    fake.before = lambda _name: None


def test_a_promotion_that_was_abandoned_is_not_finished_if_its_version_is_approved_later() -> None:
    fake = two_champions()
    arn, baseline, told = fake.version(3), compared(fake), list[str]()
    interrupted(fake, lambda: promoted(fake, arn, "wednesday", baseline), "UpdateModelPackage")
    rejected(fake, arn)
    settle(fake.client, history(fake), told.append)
    why = "this promotion is abandoned: version 3 was rejected in the registry meanwhile"
    assert told == [f"s3://bucket/{FOLDER}000003.json: {why}"]
    fake.packages[arn]["ModelApprovalStatus"] = "Approved"
    settle(fake.client, history(fake), told.append)
    assert "ModelLifeCycle" not in fake.packages[arn]
    with pytest.raises(Abandoned, match=r"so its promotion .* was abandoned: version 2 stays the champion"):
        promoted(fake, arn, "wednesday", baseline)


def test_a_rollback_whose_version_is_rejected_meanwhile_leaves_the_champion() -> None:
    fake = two_champions()
    promoted(fake, fake.version(3), "wednesday")
    by: Any = {"by": {"user": "ann"}, "reason": "No good.", "log": print}
    interrupted(fake, lambda: rollback(fake.client, history(fake), ident="r", **by), "UpdateModelPackage")
    rejected(fake, f"{ARN}2")
    with pytest.raises(Abandoned, match="version 3 stays the champion"):
        rollback(fake.client, history(fake), ident="r", **by)
    assert state(fake)["stages"][2] == ("Rejected", "Archived", "Retired")
    assert rollback(fake.client, history(fake), ident="s", **by).version.number == 1


def test_an_interrupted_rollback_is_finished_only_for_who_expects_the_version_that_it_replaces() -> None:
    fake = two_champions()
    by: Any = {"by": {"user": "ann"}, "reason": "No good.", "log": print}
    interrupted(fake, lambda: rollback(fake.client, history(fake), ident="r", **by), "UpdateModelPackage")
    with pytest.raises(RegistryError, match="version 1 is not the one to roll back"):
        rollback(fake.client, history(fake), ident="s", expected=1, **by)
    assert champion_of(fake.client, GROUP).number == 2  # type: ignore[union-attr]
    assert rollback(fake.client, history(fake), ident="s", expected=2, **by).version.number == 1


def test_repeating_a_rollback_goes_back_no_further_unless_the_champion_is_named_or_rejected() -> None:
    fake = two_champions()
    promoted(fake, fake.version(3), "wednesday")
    by: Any = {"by": {"user": "ann"}, "reason": "No good.", "log": print}
    rollback(fake.client, history(fake), ident="r", **by)
    with pytest.raises(RegistryError, match=r"Version 2 .* because ann rolled back version 3 .* Nothing was changed"):
        rollback(fake.client, history(fake), ident="s", **by)
    rejected(fake, f"{ARN}2")
    assert rollback(fake.client, history(fake), ident="s", **by).version.number == 1


def copied(fake: FakeRegistry) -> FakeRegistry:
    return FakeRegistry(copy.deepcopy(fake.packages), dict(fake.objects))
