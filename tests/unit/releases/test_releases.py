"""Releases of a stage: deployed and rolled back as one, whoever competes and whenever a process is killed."""

from __future__ import annotations

import copy
import json
import zipfile
from collections.abc import Callable
from contextlib import nullcontext, suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import yaml
from fake_account import FakeAccount
from fake_registry import ARN, GROUP, Killed, refused

from airflow_sagemaker_mlops.cli.output.release_text import preview_json, preview_text
from airflow_sagemaker_mlops.definition.problems import InvalidPipeline
from airflow_sagemaker_mlops.registry.champion import champion_of
from airflow_sagemaker_mlops.registry.change import Change, baseline_of
from airflow_sagemaker_mlops.registry.history import History
from airflow_sagemaker_mlops.registry.promotion import promote
from airflow_sagemaker_mlops.releases.bundle import build_bundle
from airflow_sagemaker_mlops.releases.errors import ContentGone, ReleaseChanged, ReleaseError
from airflow_sagemaker_mlops.releases.preview import Preview, content_of, preview_of
from airflow_sagemaker_mlops.releases.quotas import Quotas
from airflow_sagemaker_mlops.releases.release import Author, Done, Target, deploy, plan_rollback, roll_back, target_of
from airflow_sagemaker_mlops.releases.stored_release import stored_release
from airflow_sagemaker_mlops.stages.find import stage_named

ANN = Author("ann")
BUCKET = "ml-prod"
PLACE = ("mwaa-prod", "dags/late.zip")
HISTORY = f"s3://{BUCKET}/history"

CONFIG = f"""
project: late
account: "123456789012"
region: us-east-1
principal: arn:aws:iam::123456789012:role/airflow
model_package_group: {GROUP}
champions: {HISTORY}
releases: s3://{BUCKET}/releases
dags: s3://mwaa-prod/dags
code: {{CodeUri: steps}}
pipelines: {{late: {{definition: dags/late.yaml}}}}
"""
DEFINITION = """
Version: "2020-12-01"
Parameters: [{{Name: CodeUri, Type: String, DefaultValue: none}}]
Steps:
  - Name: Train
    Type: Training
    Arguments:
      RoleArn: arn:aws:iam::123456789012:role/R
      AlgorithmSpecification: {{TrainingImage: 1.dkr.ecr.us-east-1.amazonaws.com/x:1, TrainingInputMode: File}}
      Environment: {{CODE: !Get Parameters.CodeUri}}
      OutputDataConfig: {{S3OutputPath: s3://{bucket}/models}}
      ResourceConfig: {{InstanceCount: {count}, InstanceType: ml.m5.large, VolumeSizeInGB: 10}}
      StoppingCondition: {{MaxRuntimeInSeconds: 900}}
"""


class Project:
    """A project in a folder, and the account that it is deployed to."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.aws = folder, FakeAccount()
        for name in ("config", "dags", "steps"):
            (folder / name).mkdir()
        (folder / "config" / "prod.yaml").write_text(CONFIG)
        (folder / "dags" / "late.py").write_text("from airflow_sagemaker_mlops import SageMakerPipelineDag\n")
        (folder / "steps" / "train.py").write_text("print('trained')\n")
        self.instances(1)

    def instances(self, count: int) -> None:
        (self.folder / "dags" / "late.yaml").write_text(DEFINITION.format(bucket=BUCKET, count=count))

    def target(self, stage: str = "prod") -> Target:
        return target_of(self.aws.client, stage_named(stage, [self.folder]))

    def deploy(self, **how: Any) -> Done:
        target = self.target()
        return deploy(target, build_bundle(target.stage), ANN, lambda _: None, **how)

    def preview(self) -> Preview:
        target = self.target()
        bundle = build_bundle(target.stage)
        return preview_of(target, bundle, content_of(target.stage, bundle))

    def roll_back(self, **how: Any) -> Done:
        return roll_back(self.target(), ANN, lambda _: None, **how)

    def promote(self, number: int) -> str:
        arn = self.aws.version(number)
        history = History(self.aws, HISTORY, GROUP)
        baseline = baseline_of(champion_of(self.aws.client, GROUP), history)
        by = {"dag_id": "late", "run_id": f"run {number}", "step": "Promote"}
        promote(self.aws.client, history, Change(arn, baseline, f"run-{number}", by, "better"), lambda _: None)
        return arn

    @property
    def champion(self) -> str:
        found = champion_of(self.aws.client, GROUP)
        return found.arn if found is not None else ""

    @property
    def instances_at_place(self) -> int:
        """The number of instances in the definition that Airflow reads; 0 for none."""
        data = self.aws.objects.get(PLACE)
        if data is None:
            return 0
        with zipfile.ZipFile(BytesIO(data)) as packed:
            return int(packed.read("late.yaml").decode().partition("InstanceCount: ")[2][0])

    @property
    def recorded(self) -> list[tuple[int, str, int]]:
        bodies = [json.loads(body) for (_, key), body in sorted(self.aws.objects.items()) if "/stages/prod/0" in key]
        return [(body["number"], body["kind"], body["release"]) for body in bodies]

    @property
    def pointer(self) -> int:
        body = self.aws.objects.get((BUCKET, "releases/late/stages/prod/release.json"))
        return json.loads(body)["number"] if body is not None else 0


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.fixture
def two(project: Project) -> Project:
    """Two releases, and a champion of each time."""
    project.promote(1)
    project.deploy()
    project.promote(2)
    project.instances(2)
    project.deploy()
    project.promote(3)
    project.promote(4)
    return project


def test_the_same_files_make_the_same_bundle_in_every_stage(project: Project, tmp_path: Path) -> None:
    (project.folder / "config" / "staging.yaml").write_text(CONFIG.replace("ml-prod", "ml-staging"))
    (project.folder / "dags" / "__pycache__").mkdir()
    (project.folder / "dags" / "__pycache__" / "late.pyc").write_bytes(b"x")
    (project.folder / "dags" / ".env").write_text("SECRET=1")
    bundles = [build_bundle(stage_named(name, [project.folder])) for name in ("prod", "staging")]
    assert bundles[0].data == bundles[1].data
    assert sorted(bundles[0].files) == [
        "bundle.json",
        "code-files.json",
        "config/prod.yaml",
        "config/staging.yaml",
        "late.py",
        "late.yaml",
    ]


def test_a_release_is_recorded_with_its_hashes_and_put_in_its_place(project: Project) -> None:
    project.promote(1)
    done = project.deploy()
    entry = done.entry
    assert (entry.number, entry.kind, entry.release, entry.replaced) == (1, "deployment", 1, 0)
    assert entry.champion == f"{ARN}1"
    assert project.instances_at_place == 1
    assert (BUCKET, f"releases/late/code/{entry.code['CodeUri']}/train.py") in project.aws.objects
    assert (BUCKET, f"releases/late/bundles/{entry.bundle}.zip") in project.aws.objects


def test_identical_content_uploads_nothing_and_makes_no_release(project: Project) -> None:
    project.deploy()
    project.aws.calls.clear()
    assert project.deploy().changed is False
    assert project.aws.writes == []


def test_only_what_changed_is_uploaded(project: Project) -> None:
    project.deploy()
    project.instances(2)
    project.aws.calls.clear()
    project.deploy()
    assert [call.partition(" ")[2].split("/")[2] for call in project.aws.writes if "releases/late" in call] == [
        "bundles",
        "stages",
        "stages",
    ]


def test_a_preview_shows_the_difference_and_writes_nothing(two: Project) -> None:
    two.instances(3)
    (two.folder / "steps" / "train.py").write_text("print('more')\n")
    two.aws.calls.clear()
    preview = two.preview()
    assert two.aws.writes == []
    assert [line for line in preview.changes["late"] if "InstanceCount" in line] == [
        "~ step Train: Arguments.ResourceConfig.InstanceCount 2 -> 3"
    ]
    assert preview.files == ("~ code CodeUri: ~ train.py",)
    assert len(preview.uploads) == 2
    assert preview.missing == ()
    assert "what jobs of Train wrote, and their cost" in preview.lasting


def test_a_preview_names_the_files_of_changed_code_up_to_ten_of_them(project: Project) -> None:
    steps = project.folder / "steps"
    (steps / "old.py").write_text("1\n")
    project.deploy()
    (steps / "train.py").write_text("print('more')\n")
    (steps / "old.py").unlink()
    (steps / "new.py").write_text("1\n")
    assert project.preview().files == ("~ code CodeUri: + new.py, - old.py, ~ train.py",)
    for number in range(10, 22):
        (steps / f"z{number}.py").write_text("1\n")
    (line,) = project.preview().files
    assert line.startswith("~ code CodeUri: + new.py, - old.py, ~ train.py, + z10.py, ")
    assert line.endswith(", + z16.py, and 5 more")


@pytest.mark.parametrize(
    ("dags", "noted"),
    [
        ({"late.py": "SageMakerPipelineDag('late')", "nested/later.py": "SageMakerPipelineDag('later')"}, False),
        ({"late.py": "SageMakerPipelineDag('late')"}, True),
        ({"late.py": "for name in names: SageMakerPipelineDag(name)"}, False),
        ({"late.py": "from corp import make_dags"}, False),
    ],
    ids=["both", "one is gone", "computed", "made elsewhere"],
)
def test_a_preview_notes_a_pipeline_that_no_dag_file_makes(project: Project, dags: dict[str, str], noted: bool) -> None:
    config = project.folder / "config" / "prod.yaml"
    both = "{late: {definition: dags/late.yaml}, later: {definition: dags/late.yaml}}"
    config.write_text(CONFIG.replace("{late: {definition: dags/late.yaml}}", both))
    for name, text in dags.items():
        (project.folder / "dags" / name).parent.mkdir(exist_ok=True)
        (project.folder / "dags" / name).write_text(text)
    assert ('no DAG file makes pipeline "later", which the stage lists' in project.preview().notes) is noted


def test_a_step_name_that_two_pipelines_use_is_listed_once(project: Project) -> None:
    config = project.folder / "config" / "prod.yaml"
    config.write_text(
        CONFIG.replace(
            "{late: {definition: dags/late.yaml}}",
            "{late: {definition: dags/late.yaml}, later: {definition: dags/late.yaml}}",
        )
    )
    assert "what jobs of Train wrote, and their cost" in project.preview().lasting


def test_a_preview_masks_secrets_and_says_where_they_are_stored(project: Project) -> None:
    declared = "Parameters: [{Name: DbPassword, Type: String}, "
    definition = project.folder / "dags" / "late.yaml"
    definition.write_text(definition.read_text().replace("Parameters: [", declared))
    config = project.folder / "config" / "prod.yaml"
    for secret in ("hunter2-and-more", "correct-horse-battery"):
        config.write_text(f"{CONFIG}parameters: {{DbPassword: {secret}}}")
        if secret.startswith("hunter2"):
            project.deploy()
    preview = project.preview()
    assert "hunter2" not in str(preview)
    assert "battery" not in str(preview.changes)
    assert any('"DbPassword" looks like a secret' in note for note in preview.notes)


def test_missing_rights_are_named_with_their_resources(project: Project) -> None:
    project.aws.denied = frozenset({"sagemaker:CreateTrainingJob", "iam:PassRole"})
    assert sorted(map(str, project.preview().missing)) == [
        "iam:PassRole on arn:aws:iam::123456789012:role/R to sagemaker.amazonaws.com",
        "sagemaker:CreateTrainingJob on arn:aws:sagemaker:us-east-1:123456789012:training-job/pipelines-*",
    ]


@pytest.mark.parametrize("is_named", [False, True])
def test_the_rights_of_a_deployment_are_those_of_the_identity_that_makes_it(project: Project, is_named: bool) -> None:
    deployer = "arn:aws:iam::123456789012:role/late-prod-deploy"
    target = project.target()
    bundle = build_bundle(target.stage)
    preview = preview_of(target, bundle, content_of(target.stage, bundle), deployer if is_named else None)
    asked = deployer if is_named else "arn:aws:iam::123456789012:role/ci"  # the role of the session
    assert preview.rights[1].principal == asked
    assert {who for who, actions, _ in project.aws.simulated if "s3:PutObject" in actions} == {asked}


def test_rights_are_compared_with_the_last_release_if_iam_may_not_be_asked(project: Project) -> None:
    project.deploy()
    text = (project.folder / "dags" / "late.yaml").read_text()
    (project.folder / "dags" / "late.yaml").write_text(text.replace("role/R", "role/Other"))
    project.aws.denied = None
    steps = project.preview().rights[0]
    assert steps.unchecked == "IAM does not answer (AccessDenied)"
    assert [str(right) for right in (*steps.added, *steps.removed)] == [
        "iam:PassRole on arn:aws:iam::123456789012:role/Other to sagemaker.amazonaws.com",
        "iam:PassRole on arn:aws:iam::123456789012:role/R to sagemaker.amazonaws.com",
    ]


def test_a_step_that_needs_more_than_its_quota_is_named_before_it_fails(project: Project) -> None:
    project.instances(3)
    project.aws.quotas = {"ml.m5.large for training job usage": 2.0}
    preview = project.preview()
    assert preview.warnings == ("late: Train needs 3 of 'ml.m5.large for training job usage', and the quota is 2",)
    assert "quotas:\n  1 quota for instances compared with each step: 1 exceeded, see the warnings" in preview_text(
        preview, ""
    )
    project.instances(2)
    assert project.preview().warnings == ()
    project.aws.quotas = {}
    assert project.preview().quotas == Quotas(known=0, needed=1)


@pytest.mark.parametrize(
    ("ours", "theirs", "shared"),
    [
        ({}, {}, ["model package group, churn:"]),
        ({"endpoint": "live"}, {"endpoint": "live"}, ["model package group, churn:", "endpoint, live:"]),
        ({"endpoint": "live"}, {"endpoint": "live-staging", "model_package_group": "churn-staging"}, []),
        ({"endpoint": "live"}, {"endpoint": "live", "account": "222222222222"}, []),
        ({"endpoint": "live"}, {"endpoint": "live", "region": "eu-west-1"}, []),
        ({"account": None}, {"account": None}, []),  # perhaps two accounts
    ],
)
def test_what_two_stages_of_one_account_share_is_a_warning(
    project: Project, ours: dict[str, Any], theirs: dict[str, Any], shared: list[str]
) -> None:
    for name, own in (("prod", ours), ("staging", theirs)):
        given = yaml.safe_load(CONFIG) | {"model_package_group": "churn", "dags": f"s3://mwaa-{name}/dags"} | own
        text = yaml.safe_dump({key: value for key, value in given.items() if value is not None})
        (project.folder / "config" / f"{name}.yaml").write_text(text)
    (project.folder / "config" / "broken.yaml").write_text("acount: 1")
    warnings = project.preview().warnings
    begins = 'stages "prod" and "staging" have the same account and the same '
    assert [one.removeprefix(begins).partition(":")[0] + ":" for one in warnings] == shared
    assert project.deploy().changed


def test_quotas_that_may_not_be_asked_for_stop_nothing(project: Project) -> None:
    project.aws.quotas = None
    preview = project.preview()
    assert preview.quotas.unchecked == "Service Quotas does not answer (AccessDeniedException)"
    assert "quotas:\n  not checked, because Service Quotas does not answer" in preview_text(preview, "")
    assert preview_json(preview, dry_run=True, deployed=None)["quotas"]["why_not_checked"] == preview.quotas.unchecked
    assert project.deploy().changed


def test_a_rehearsal_on_the_embedded_aws_says_that_it_has_no_quotas(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(**_: Any) -> None:
        raise refused("NotImplementedException", "ListServiceQuotas is not available in the embedded AWS.")

    monkeypatch.setattr(project.aws, "list_service_quotas", answer)
    assert project.preview().quotas.unchecked == "the embedded AWS has no quotas"


def test_roles_of_another_account_are_named(project: Project) -> None:
    definition = project.folder / "dags" / "late.yaml"
    definition.write_text(definition.read_text().replace("iam::123456789012:role/R", "iam::222222222222:role/R"))
    config = project.folder / "config" / "prod.yaml"
    assert project.preview().roles == (
        "late: the role arn:aws:iam::222222222222:role/R is of account 222222222222, "
        "and the steps run in 123456789012; a role can be passed only within its account",
    )
    config.write_text(f"{CONFIG}assume_role_arn: arn:aws:iam::222222222222:role/steps")
    preview = project.preview()
    assert preview.warnings == (
        "assume_role_arn arn:aws:iam::222222222222:role/steps is of account 222222222222, "
        "and stage prod is account 123456789012",
    )
    assert preview.quotas.unchecked == ("the steps run in account 222222222222 and the credentials are of 123456789012")


def test_a_rollback_restores_bundle_and_champion_together(two: Project) -> None:
    done = two.roll_back()
    assert (two.instances_at_place, two.champion) == (1, f"{ARN}2")  # the champion when release 2 was deployed
    assert done.entry.undo == (f"{ARN}4", f"{ARN}3")
    assert two.recorded == [(1, "deployment", 1), (2, "deployment", 2), (3, "rollback", 1)]
    assert two.pointer == 3


def test_a_rollback_can_leave_the_champion(two: Project) -> None:
    two.roll_back(keep_champion=True)
    assert (two.instances_at_place, two.champion) == (1, f"{ARN}4")


def test_a_planned_rollback_changes_nothing(two: Project) -> None:
    two.aws.calls.clear()
    assert plan_rollback(two.target(), ANN).undo == (f"{ARN}4", f"{ARN}3")
    assert two.aws.writes == []


def test_rollbacks_go_back_one_release_each_and_end_with_a_sentence(project: Project) -> None:
    with pytest.raises(ReleaseError, match='Nothing was deployed to stage "prod" yet'):
        project.roll_back()
    for count in (1, 2, 3):
        project.instances(count)
        project.deploy()
    project.roll_back()
    assert project.instances_at_place == 2
    with pytest.raises(ReleaseError, match=r"because ann rolled back release 3 at .* add --of 2"):
        project.roll_back()  # repeated
    project.roll_back(of=2)
    assert project.instances_at_place == 1
    with pytest.raises(ReleaseError, match=r"because ann rolled back release 2 at .* changed\. It is the first one\."):
        project.roll_back()
    with pytest.raises(ReleaseError, match='Release 1 is the first of stage "prod"'):
        project.roll_back(of=1)
    project.instances(3)
    project.deploy()  # and forward again
    assert project.instances_at_place == 3
    with pytest.raises(ReleaseError, match='Release 6 of stage "prod" is the current one, and not 3'):
        project.roll_back(of=3)
    project.roll_back()
    assert project.instances_at_place == 1


@pytest.mark.parametrize(
    ("commit", "fix"),
    [
        ("", "Deploy its files again."),
        ("1a2b3c", "Deploy commit 1a2b3c again."),
        ("1a2b3c-dirty", "Deploy commit 1a2b3c again, with the changes that were not committed."),
    ],
)
@pytest.mark.parametrize("what", ["bundles", "code", "a part of the code"])
def test_a_release_that_is_gone_is_not_rolled_back_to_nor_is_that_foretold(
    project: Project, what: str, commit: str, fix: str
) -> None:
    (project.folder / "steps" / "more.py").write_text("more = 1\n")
    project.deploy()
    project.instances(2)
    project.deploy()
    entry = BUCKET, "releases/late/stages/prod/000001.json"
    first = json.loads(project.aws.objects[entry])
    project.aws.objects[entry] = json.dumps({**first, "commit": commit}).encode()
    code = f"releases/late/code/{first['code']['CodeUri']}"
    if what == "bundles":
        project.aws.objects.pop((BUCKET, f"releases/late/bundles/{first['bundle']}.zip"))
    else:
        project.aws.objects.pop((BUCKET, f"{code}/train.py"))
        project.aws.objects.pop((BUCKET, f"{code}/more.py")) if what == "code" else None
    before = copy.deepcopy(project.aws.objects)
    for attempt in (project.roll_back, lambda: plan_rollback(project.target(), ANN)):
        with pytest.raises(ContentGone) as caught:
            attempt()
        assert ("is incomplete" if what.startswith("a part") else "gone") in str(caught.value)
        assert str(caught.value).endswith(f" {fix} Nothing was changed.")
    assert project.aws.objects == before


def test_two_stages_that_would_replace_each_others_dag_files_are_refused(project: Project) -> None:
    copied = project.folder / "config" / "staging.yaml"
    copied.write_text(CONFIG)
    for stage, other in (("prod", "staging"), ("staging", "prod")):
        with pytest.raises(InvalidPipeline) as error:
            project.target(stage)
        assert f'is the place of stage "{other}", too' in str(error.value)
    for differing in (("mwaa-prod/dags", "mwaa-prod/staging"), ("project: late", "project: later")):
        copied.write_text(CONFIG.replace(*differing))
        assert project.target("staging").place.uri != project.target().place.uri


def test_an_altered_bundle_is_not_rolled_back_to(two: Project) -> None:
    first = json.loads(two.aws.objects[BUCKET, "releases/late/stages/prod/000001.json"])
    two.aws.objects[BUCKET, f"releases/late/bundles/{first['bundle']}.zip"] += b"x"
    with pytest.raises(ContentGone, match="was altered"):
        two.roll_back()


def test_an_altered_entry_is_a_sentence(two: Project) -> None:
    two.aws.objects[BUCKET, "releases/late/stages/prod/000002.json"] = b'{"number": 2}'
    with pytest.raises(ReleaseError, match="is not a release of a stage, or was altered"):
        two.roll_back()


def test_a_champion_that_was_promoted_meanwhile_is_not_taken_back_by_finishing_a_rollback(two: Project) -> None:
    two.aws.before = kill_at("PutObject history")  # the release is decided, and the champion is not restored yet
    with pytest.raises(Killed):
        two.roll_back()
    two.aws.before = lambda _: None
    two.promote(5)
    two.instances(4)
    two.deploy()
    assert two.champion == f"{ARN}5"


def kill_at(operation: str) -> Callable[[str], None]:
    def before(name: str) -> None:
        if name.startswith(operation):
            raise Killed(name)

    return before


def test_two_deployments_at_the_same_time_make_one_release_after_another_or_refuse(project: Project) -> None:
    project.deploy()
    number = 1
    project.instances(2)
    competing = Project.__new__(Project)
    competing.__dict__.update(project.__dict__)
    bundle = build_bundle(project.target().stage)

    def meanwhile(name: str) -> None:
        if name.endswith("000002.json") and name.startswith("PutObject"):
            project.aws.before = lambda _: None
            project.instances(3)
            competing.deploy()

    project.aws.before = meanwhile
    with pytest.raises(ReleaseChanged, match="was changed by ann"):
        deploy(project.target(), bundle, ANN, lambda _: None, expected=number)
    assert project.instances_at_place == 3
    assert project.recorded == [(1, "deployment", 1), (2, "deployment", 2)]


def test_a_comparison_with_an_older_release_is_not_deployed(two: Project) -> None:
    two.instances(3)
    with pytest.raises(ReleaseChanged, match="since it was compared"):
        two.deploy(expected=1)
    assert two.instances_at_place == 2


def test_a_slow_process_does_not_put_an_older_release_in_its_place(project: Project) -> None:
    project.deploy()

    def meanwhile(name: str) -> None:
        if name == f"PutObject {PLACE[1]}":
            project.aws.before = lambda _: None
            project.instances(3)
            project.deploy()

    project.instances(2)
    project.aws.before = meanwhile
    project.deploy()
    assert project.instances_at_place == 3


@pytest.mark.parametrize("work", ["deploy", "roll_back"])
@pytest.mark.parametrize("after", [False, True])
def test_killed_at_any_call_the_stage_has_one_whole_release_and_the_next_try_ends_in_agreement(
    two: Project, work: str, after: bool
) -> None:
    two.instances(3)
    start = copy.deepcopy((two.aws.objects, two.aws.metadata, two.aws.packages))
    old, wanted = (2, f"{ARN}4"), {"deploy": (3, f"{ARN}4"), "roll_back": (1, f"{ARN}2")}[work]
    call, finished = 0, False
    while not finished:
        call += 1
        two.aws.objects, two.aws.metadata, two.aws.packages = copy.deepcopy(start)
        two.aws.calls.clear()
        two.aws.kill, two.aws.after = call, after
        with suppress(Killed):
            getattr(two, work)()
        finished, two.aws.kill = len(two.aws.calls) < call, 0
        assert two.instances_at_place in (old[0], wanted[0])
        if len(two.recorded) == 2:  # not decided yet
            assert (two.instances_at_place, two.champion) == old
        with suppress(ReleaseError) if two.pointer == 3 else nullcontext():  # there may be nothing left to do
            getattr(two, work)()
        assert (two.instances_at_place, two.champion, two.pointer) == (*wanted, 3)
        assert len(two.recorded) == 3
    assert call > 15


def test_an_interrupted_change_is_finished_by_whoever_comes_next(two: Project) -> None:
    two.aws.before = kill_at(f"PutObject {PLACE[1]}")
    with suppress(Killed):
        two.roll_back()
    two.aws.before = lambda _: None
    assert two.recorded[-1] == (3, "rollback", 1)
    assert [note for note in two.preview().notes if "rollback 3 was interrupted" in note]
    two.instances(5)
    two.deploy()
    assert (two.instances_at_place, two.champion) == (5, f"{ARN}2")


def test_a_promotion_takes_the_same_bytes_to_the_next_stage(project: Project) -> None:
    prod = CONFIG.replace("ml-prod", "ml-other").replace("mwaa-prod", "mwaa-other")
    (project.folder / "config" / "late-prod.yaml").write_text(prod)
    first = project.deploy().entry
    project.instances(7)  # the working tree has changed, the release has not
    source, target = project.target(), project.target("late-prod")
    done = deploy(target, stored_release(source.releases, first), ANN, lambda _: None)
    assert (done.entry.bundle, done.entry.code) == (first.bundle, first.code)
    assert project.aws.objects["mwaa-other", "dags/late.zip"] == project.aws.objects[PLACE]
    assert ("ml-other", f"releases/late/code/{first.code['CodeUri']}/train.py") in project.aws.objects


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda p: (p / "dags" / "late.yaml").unlink(), 'the definition "dags/late.yaml" does not exist'),
        (lambda p: (p / "dags" / "late.py").write_text("def"), "dags/late.py:1 is not valid Python: invalid syntax."),
        (
            lambda p: (p / "dags" / "late.py").write_text("SageMakerPipelineDag('late', '../late.yaml')"),
            'dags/late.py:1 reads "../late.yaml", which the bundle does not have.',
        ),
        (
            lambda p: (p / "dags" / "late.py").write_text("m.SageMakerPipelineDag(dag_id='lates', definition=x)"),
            'makes pipeline "lates", which the stage does not list.\n      Did you mean "late"?',
        ),
        (lambda p: (p / "dags" / "late.py").unlink(), 'config/prod.yaml:8:1  $.dag_folder  [SM357] "dags" has no DAG'),
        (lambda p: (p / "steps" / "train.py").unlink(), '"steps" has no files'),
        (lambda p: (p / "dags" / "link.py").symlink_to("/etc/passwd"), '"link.py" in'),
        (lambda p: (p / "steps").rename(p / "code"), "steps"),
    ],
)
def test_a_project_that_lacks_something_is_a_sentence_before_any_call(
    project: Project, change: Callable[[Path], object], said: str
) -> None:
    change(project.folder)
    with pytest.raises(InvalidPipeline) as caught:
        build_bundle(stage_named("prod", [project.folder]))
    assert said.replace("config/prod.yaml:8:1  ", "") in str(caught.value)
    assert project.aws.calls == []


def test_a_folder_is_a_place_too_and_has_no_other_zip_file_at_any_time(project: Project) -> None:
    config = CONFIG.replace("s3://mwaa-prod/dags", "airflow/dags")
    (project.folder / "config" / "prod.yaml").write_text(config)
    project.deploy()
    project.instances(2)
    project.deploy()
    place = project.folder / "airflow" / "dags"
    assert sorted(path.name for path in place.iterdir() if zipfile.is_zipfile(path)) == ["late.zip"]
    with zipfile.ZipFile(place / "late.zip") as packed:
        assert b"InstanceCount: 2" in packed.read("late.yaml")
