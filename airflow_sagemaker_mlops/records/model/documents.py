"""The shapes of stored documents as types: the members that ``schema.json``, beside this file, describes.

A document of an older minor version may lack members that are required now, and one of a later version may have more;
``stored_json.misfit`` has checked the types of all others.  Import these classes under ``TYPE_CHECKING``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NotRequired, Required, TypedDict

from ...json_types import Json, JsonObject


class LinkDocument(TypedDict):
    """A reference to another record."""

    run_id: str
    sha256: str


class ArtifactDocument(TypedDict, total=False):
    """Data or code at an S3 URI."""

    uri: str
    name: str
    role: str
    etag: str
    version: str
    key: str
    objects: int
    bytes: int
    sha256: str
    listing: str
    content_sha256: str
    instead_of: str
    problem: str


class ImageDocument(TypedDict):
    """A container image."""

    uri: str
    digest: NotRequired[str]


class CodeDocument(TypedDict, total=False):
    """The origin of a step's code."""

    uri: str
    sha256: str
    version: str
    repository: str
    commit: str
    dirty: bool


class AttemptDocument(TypedDict, total=False):
    """One job, or other resource, that a step created."""

    name: str
    arn: str
    status: str
    started: str
    ended: str
    failure_reason: str


class CacheDocument(TypedDict, total=False):
    """A step's cache key and the outcome of its look-up."""

    key: str
    attributes: Mapping[str, str]
    result: str
    reason: str
    source_run: str
    source_arn: str
    saved_seconds: float


class ModelDocument(TypedDict, total=False):
    """A model package."""

    step: str
    arn: str
    group: str
    version: int | str
    approval_status: str
    data: str


class StepDocument(TypedDict):
    """The record of one step."""

    step: str
    type: str
    status: str
    loop: NotRequired[str]
    started: NotRequired[str]
    ended: NotRequired[str]
    attempts: NotRequired[list[AttemptDocument]]
    request: NotRequired[JsonObject]
    request_sha256: NotRequired[str]
    request_uri: NotRequired[str]
    jobs_started: NotRequired[int]
    billable_seconds: NotRequired[float]
    instance_type: NotRequired[str]
    inputs: NotRequired[list[ArtifactDocument]]
    outputs: NotRequired[list[ArtifactDocument]]
    images: NotRequired[list[ImageDocument]]
    code: NotRequired[list[CodeDocument]]
    metrics: NotRequired[Mapping[str, float | str]]
    cache: NotRequired[CacheDocument]
    decision: NotRequired[JsonObject]
    model_packages: NotRequired[list[ModelDocument]]
    result: NotRequired[JsonObject]
    result_json: NotRequired[str]
    failure_reason: NotRequired[str]


class RunDocument(TypedDict):
    """The run: :class:`~.run_info.RunInfo` without its versions."""

    dag_id: str
    run_id: str
    pipeline: NotRequired[str]
    status: NotRequired[str]
    started: NotRequired[str]
    ended: NotRequired[str]
    trigger: NotRequired[str]
    user: NotRequired[str]
    logical_date: NotRequired[str]
    dag_version: NotRequired[str]
    bundle_name: NotRequired[str]
    bundle_version: NotRequired[str]
    map_index: NotRequired[int]
    clear_number: NotRequired[int]


class DefinitionCopyDocument(TypedDict):
    """The stored copy of the definition."""

    uri: str
    sha256: str
    masked: bool


class DefinitionDocument(TypedDict):
    """The definition that ran."""

    sha256: str
    source: NotRequired[str]
    source_kind: NotRequired[str]
    copy: NotRequired[DefinitionCopyDocument]


class ParameterDocument(TypedDict):
    """A resolved parameter."""

    value: Json
    value_json: NotRequired[str]
    source: str


class AnnotationsDocument(TypedDict, total=False):
    """What a record says of a resource beyond in-toto's members."""

    role: str
    etag: str
    version: str
    problem: str
    objects: int
    bytes: int
    dirty: bool
    steps: list[str]


class ResourceDocument(TypedDict, total=False):
    """A ResourceDescriptor of in-toto."""

    uri: str
    digest: Mapping[str, str]
    name: str
    mediaType: str
    downloadLocation: str
    annotations: AnnotationsDocument


class TermDocument(TypedDict):
    """One comparison of a Condition step."""

    expression: str
    left: Json
    operator: str
    right: Json
    result: bool


class DecisionDocument(TypedDict):
    """The decision of a Condition step."""

    step: str
    outcome: bool
    sentence: str
    terms: list[TermDocument]


class ApprovalDocument(TypedDict, total=False):
    """What a person decided about a model or in a task."""

    model: str
    step: str
    task: str
    map_index: int
    decision: str
    user: str
    by_default: bool
    at: str
    comment: str


class CostDocument(TypedDict):
    """The cost of a run, by prices that the user gave."""

    amount: float
    currency: str
    unpriced: NotRequired[list[str]]


class TotalsDocument(TypedDict):
    """Counts and sums over the steps of a run."""

    steps: int
    succeeded: int
    failed: int
    cached: int
    jobs_started: int
    billable_seconds: float
    seconds: NotRequired[float]
    saved_seconds: NotRequired[float]
    billable_by_instance_type: NotRequired[Mapping[str, float]]
    cost: NotRequired[CostDocument]


class IntegrityDocument(TypedDict):
    """The hash of a sealed document, and the documents before it."""

    canonical: str
    sha256: str
    previous: list[LinkDocument]


class RecordDocument(TypedDict):
    """The record of a run; ``integrity`` is there once it is sealed, and a run that has not ended has run and steps."""

    kind: NotRequired[str]
    schema: NotRequired[str]
    run: RunDocument
    versions: NotRequired[Mapping[str, str]]
    definition: NotRequired[DefinitionDocument]
    externalParameters: NotRequired[Mapping[str, ParameterDocument]]
    resolvedDependencies: NotRequired[list[ResourceDocument]]
    byproducts: NotRequired[list[ResourceDocument]]
    steps: list[StepDocument]
    decisions: NotRequired[list[DecisionDocument]]
    models: NotRequired[list[ModelDocument]]
    approvals: NotRequired[list[ApprovalDocument]]
    totals: NotRequired[TotalsDocument]
    integrity: NotRequired[IntegrityDocument]


class NoteDocument(TypedDict):
    """When and by whom an amendment was written."""

    at: str
    by: str


class AmendmentDocument(TypedDict):
    """An approval that was given after its run was sealed."""

    kind: str
    schema: str
    run: RunDocument
    approval: ApprovalDocument
    noted: NoteDocument
    integrity: NotRequired[IntegrityDocument]


class RuleDocument(TypedDict, total=False):
    """The result of a gate's rule for all records; differences are candidate - champion, whatever the goal."""

    metric: str
    verdict: str
    must: str
    goal: str
    candidate: float
    champion: float
    difference: float
    interval: list[float]
    level: float
    bound: float
    margin: float
    floor: float
    ceiling: float


class VerdictDocument(TypedDict):
    """The verdict of a gate or a drift check; ``others`` is the verdict of results that are not in ``rules``."""

    step: str
    type: str
    verdict: str
    sentence: NotRequired[str]
    group: NotRequired[str]
    champion: NotRequired[str]
    records: NotRequired[int]
    rules: NotRequired[list[RuleDocument]]
    others: NotRequired[str]


class PromotedDocument(TypedDict):
    """A champion that a run made; ``replaced`` is the ARN of the one before, ``history`` the prefix of its history."""

    step: str
    arn: str
    at: str
    replaced: NotRequired[str]
    history: NotRequired[str]


class DeployedDocument(TypedDict):
    """An endpoint that a run updated; ``arn`` is the model package that it serves."""

    step: str
    endpoint: str
    at: str
    arn: NotRequired[str]


class FactsDocument(TypedDict, total=False):
    """What the index says of a run beyond its counts; entries of earlier versions lack it."""

    verdicts: list[VerdictDocument]
    metrics: Mapping[str, float]
    cost: CostDocument
    models: list[ModelDocument]
    approvals: list[ApprovalDocument]
    promoted: list[PromotedDocument]
    deployed: list[DeployedDocument]
    failed_step: str
    definition: str


class SummaryDocument(FactsDocument):
    """A record's entry in the index."""

    run_id: Required[str]
    sha256: Required[str]
    previous: NotRequired[list[LinkDocument]]
    status: NotRequired[str]
    started: NotRequired[str]
    ended: NotRequired[str]
    trigger: NotRequired[str]
    user: NotRequired[str]
    steps: NotRequired[float]
    failed: NotRequired[float]
    cached: NotRequired[float]
    jobs_started: NotRequired[float]
    seconds: NotRequired[float]
    billable_seconds: NotRequired[float]


SealedDocument = RecordDocument | AmendmentDocument
