"""The shape of a run for people: :class:`RunView`, plain JSON that the pages of the UI and the HTML reports show.

Numbers are finite, texts have a bounded length and no control characters, and lists have a bounded length: ``cut`` says
what is missing.  Absent numbers and objects are ``None``, absent texts are ``""``, and absent lists are empty.
Every ``word`` is for readers, and is shown with its colour.  ``tone`` is one of "good", "bad", "unsure", "busy" and
"plain".  Times are ISO 8601 in UTC.
"""

from __future__ import annotations

from typing import TypedDict


class RunFacts(TypedDict):
    """The run.

    name     of its record; ``<run id>#2`` for a run that was cleared twice
    status   Succeeded, Failed, Stopped, CompletedWithFailures, or Executing
    seconds  from start to end
    live     whether the run has not ended
    sealed   whether the record has its hash
    """

    dag_id: str
    run_id: str
    name: str
    pipeline: str
    status: str
    word: str
    tone: str
    started: str
    ended: str
    seconds: float | None
    trigger: str
    user: str
    logical_date: str
    map_index: int | None
    live: bool
    sealed: bool


class RuleView(TypedDict):
    """One rule of a gate, or one slice of a rule.

    title       "AUC" for the metric "auc"
    slice       "origin=JFK"; "" for all records
    goal        "maximize" or "minimize"
    difference  candidate - champion, whatever the goal
    low, high   ends of the interval of the difference, or of the candidate's value if there is no champion
    level       confidence of the interval: 0.95
    bound       the one-sided bound that decides
    margin      the difference that the bound must exceed
    floor, ceiling   limits of the candidate's value
    verdict     promote, reject, inconclusive or skipped
    word        "better", "worse", "not decided", ... or the verdict
    dry_run     whether the rule has no effect
    """

    metric: str
    title: str
    slice: str
    goal: str
    candidate: float | None
    champion: float | None
    difference: float | None
    low: float | None
    high: float | None
    level: float | None
    bound: float | None
    margin: float | None
    floor: float | None
    ceiling: float | None
    p_value: float | None
    records: int | None
    needed: int | None
    verdict: str
    word: str
    tone: str
    sentence: str
    dry_run: bool


class TermView(TypedDict):
    """One comparison of a condition; ``left`` and ``right`` are texts."""

    text: str
    left: str
    operator: str
    right: str
    holds: bool


class BranchView(TypedDict):
    """The branch behind a decision: names of steps after it, up to the next decision."""

    ran: list[str]
    failed: list[str]
    not_taken: list[str]
    sentence: str


class DecisionView(TypedDict):
    """What a step decided.

    kind      gate, drift or condition
    verdict   promote, reject, inconclusive; stable, drift, inconclusive; true or false
    condition   a condition in words, with both values of every term; "" for a gate and a drift check, as are ``terms``
    champion  ARN of the model package that the candidate was compared with
    """

    step: str
    kind: str
    verdict: str
    word: str
    tone: str
    sentence: str
    because: str
    condition: str
    records: int | None
    champion: str
    report: str
    fingerprint: str
    terms: list[TermView]
    rules: list[RuleView]
    branch: BranchView


class FindingView(TypedDict):
    """One finding of a drift check.

    column    "" for a rule about the table
    operator  "≤" or "≥": how ``value`` has to compare with ``limit``; "" without a limit
    noise     the level that unchanged data exceeds one time in twenty
    labels, baseline, current   bins or categories, with their shares; only of columns that drifted
    """

    check: str
    column: str
    value: float | None
    operator: str
    limit: float | None
    noise: float | None
    verdict: str
    word: str
    tone: str
    sentence: str
    dry_run: bool
    labels: list[str]
    baseline: list[float]
    current: list[float]


class DriftView(TypedDict):
    """The report of a drift check."""

    step: str
    verdict: str
    word: str
    tone: str
    sentence: str
    records: int | None
    baseline_records: int | None
    report: str
    findings: list[FindingView]


class AttemptView(TypedDict):
    """One job of a step."""

    name: str
    arn: str
    status: str
    started: str
    ended: str
    seconds: float | None
    reason: str
    console: str
    logs: str


class CacheView(TypedDict):
    """The cache.

    result   hit, miss, expired, off or reused
    hit      whether the step did not run, as an earlier result was taken
    changed  attributes of the key that differ from the previous run's
    """

    result: str
    hit: bool
    word: str
    source_run: str
    saved_seconds: float | None
    reason: str
    key: str
    changed: list[str]


class StepView(TypedDict):
    """One step.

    status    Succeeded, Failed, Stopped, Executing, Waiting (for a person), NotTaken, NotStarted or NotSelected
    loop      the ForEach step that it is an iteration of
    offset    seconds from the start of the run to its own
    cost      in the run's currency, if the price of its instance is known
    cause     why it failed, in one line; ``reason`` is all of it
    log       the last lines of its job's log
    name, arn, console, logs   of the last job or resource
    """

    step: str
    type: str
    loop: str
    status: str
    word: str
    tone: str
    started: str
    ended: str
    seconds: float | None
    offset: float | None
    billable_seconds: float | None
    instance_type: str
    cost: float | None
    cache: CacheView | None
    cause: str
    reason: str
    log: list[str]
    name: str
    arn: str
    console: str
    logs: str
    jobs_started: int
    attempts: list[AttemptView]
    metrics: dict[str, float | str]


class ArtifactView(TypedDict):
    """Data, code or a model at a URI.

    role      input, output, code, model, image or commit
    made_by   the step of this run that wrote it; "" if it came from outside; ``used_by`` are the steps that read it
    version   version id of S3, digest of an image, or commit
    """

    uri: str
    name: str
    role: str
    bytes: int | None
    objects: int | None
    version: str
    etag: str
    sha256: str
    made_by: str
    used_by: list[str]
    problem: str
    console: str


class Earlier(TypedDict):
    """A value of another run; ``changed`` if it differs from this run's."""

    value: str
    changed: bool


class ParameterView(TypedDict):
    """A parameter; ``previous`` and ``champion`` are ``None`` if that run is unknown or had no such parameter."""

    name: str
    value: str
    source: str
    masked: bool
    changed: bool
    previous: Earlier | None
    champion: Earlier | None


class NodeView(TypedDict):
    """A node of the lineage: kind data, code, image, step, artifact, model or endpoint."""

    id: str
    kind: str
    label: str
    detail: str
    tone: str


class EdgeView(TypedDict):
    """An edge of the lineage, from what was read or ran first."""

    source: str
    target: str


class LineageView(TypedDict):
    """What the run's steps read and created, in an order in which all edges point forward."""

    nodes: list[NodeView]
    edges: list[EdgeView]


class ApprovalView(TypedDict):
    """What a person decided; ``later`` if after the run was sealed."""

    what: str
    step: str
    decision: str
    word: str
    tone: str
    user: str
    by_default: bool
    at: str
    comment: str
    later: bool


class ModelView(TypedDict):
    """A model package that the run registered."""

    step: str
    arn: str
    group: str
    version: str
    status: str
    word: str
    tone: str
    data: str
    console: str


class TotalsView(TypedDict):
    """Sums over the run; ``cost`` is ``None`` without prices."""

    steps: int
    succeeded: int
    failed: int
    cached: int
    not_taken: int
    jobs_started: int
    seconds: float | None
    billable_seconds: float | None
    saved_seconds: float | None
    cost: float | None
    currency: str
    unpriced: list[str]


class HashesView(TypedDict):
    """What identifies the run; ``previous`` has the names of the records before this one."""

    record: str
    previous: list[str]
    definition: str
    definition_source: str
    definition_copy: str
    bundle: str
    commits: list[str]
    dirty: bool
    versions: dict[str, str]
    schema: str


class OtherRun(TypedDict):
    """A run that this one is compared with."""

    dag_id: str
    run_id: str
    name: str
    started: str
    status: str


class RunView(TypedDict):
    """A run for readers; see the module's docstring.

    headline   one sentence: the outcome of the run
    decision   the one to show first: a gate's, otherwise a drift check's, otherwise the last condition's
    previous, champion   the runs that parameters are compared with
    cut        {list: number of its items that are left out}
    notes      sentences about what the record lacks or what could not be read
    """

    schema: str
    run: RunFacts
    headline: str
    decision: DecisionView | None
    decisions: list[DecisionView]
    drift: list[DriftView]
    steps: list[StepView]
    artifacts: list[ArtifactView]
    parameters: list[ParameterView]
    lineage: LineageView
    approvals: list[ApprovalView]
    models: list[ModelView]
    totals: TotalsView
    hashes: HashesView
    previous: OtherRun | None
    champion: OtherRun | None
    cut: dict[str, int]
    notes: list[str]
