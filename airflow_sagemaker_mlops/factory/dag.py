"""A definition as a DAG: what users write.

Relative paths are relative to the file that calls; every keyword not named here is Airflow's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG
from airflow.sdk.definitions._internal.types import NOTSET, ArgNotSet
from airflow.sdk.definitions.param import ParamsDict

from ..definition.problems import PipelineError
from ..plan.source import plan_of
from . import invalid as broken
from .build import build
from .options import (
    PipelineOptions,
    caller_file,
    check_fail_fast,
    check_step_names,
    one_line,
    outlet_locations,
    property_of,
    with_secrets,
)
from .parameters import check_schedule, one_owner, parameters_of

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator

    from ..operators.pipeline_value import PipelineValue
    from ..plan.model import Plan


class SageMakerPipelineDag(DAG):
    """A SageMaker pipeline as a DAG: one task a step, of the step's name.

    :param dag_id: id of the DAG, and name of the pipeline unless ``pipeline_name`` is given
    :param definition: file (JSON or YAML), JSON text, dict, or an SDK pipeline object
    :param parameters: values of the pipeline's parameters, which stay changeable in the trigger form: plain ones,
        Airflow templates (``{"Day": "{{ ds }}"}``) and results of other tasks (``{"Day": latest_day()}``), which a
        task ``pipeline.parameters`` renders once in each run; see docs/parameters.md
    :param steps: Airflow arguments of single steps, ``{"Train": {"pool": "gpu", "retries": 3}}``
    :param aws_conn_id: connection of all steps; ``None`` for boto3's own credential chain, and ``[sagemaker_mlops]
        aws_conn_id`` when left out
    :param region_name: region of all steps; the connection's when left out
    :param assume_role_arn: role that the connection's identity assumes for the steps; one of another account likewise
    :param external_id: what the trust policy of ``assume_role_arn`` asks for as ``sts:ExternalId``
    :param start_in: "triggerer" or "worker": where steps that wait begin
    :param logs: "end", "live" or "off": when container log lines come into the task log
    :param records: where the records of its runs are kept, ``s3://bucket/prefix`` or a folder, "off" for nowhere;
        ``[sagemaker_mlops] records`` when left out
    :param outlets: S3 locations, as URIs or assets, that other DAGs are scheduled on: an event whenever a step has
        written something new at or under one; takes ``records``.  Models that are registered need no mention
    :param max_parallel_steps: MaxParallelExecutionSteps: so many steps of a run at a time, waiting ones too; 0 for any
    :param on_invalid: "import_error" or "placeholder": what becomes of a pipeline that cannot be built;
        ``[sagemaker_mlops] on_invalid`` when left out

    Problems of the definition and of the options are shown as import error of the file: :meth:`validate`, which Airflow
    calls for each DAG, raises ``InvalidPipeline`` or ``UnsupportedPipeline`` with all of them.  Airflow takes the other
    DAGs of such a file for stale.  With ``on_invalid="placeholder"`` they stay, and the broken one is an unscheduled
    DAG with the report as its docs, whose runs fail with it.
    """

    _undescribed: Plan | None = None

    def __init__(
        self,
        dag_id: str,
        definition: Any,
        *,
        pipeline_name: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        steps: Mapping[str, Mapping[str, Any]] | None = None,
        aws_conn_id: str | ArgNotSet | None = NOTSET,
        region_name: str | None = None,
        assume_role_arn: str | None = None,
        external_id: str | None = None,
        start_in: str | None = None,
        poll_interval_s: float | None = None,
        logs: str | None = None,
        max_parallel_steps: int = 0,
        records: str = "",
        outlets: Sequence[Any] = (),
        on_invalid: str | None = None,
        **kwargs: Any,
    ) -> None:
        options = PipelineOptions.of(locals())
        caller = caller_file()
        given = dict(kwargs)
        self._step_tasks: dict[str, BaseOperator] = {}
        failed: PipelineError | None = None
        try:
            broken.check_choice(options.on_invalid)
            plan = plan_of(definition, caller.parent)
            own = self.parameters = parameters_of(plan, options.parameters)
            one_owner(own, kwargs.get("params"))
            plan = with_secrets(plan, own)
            # Of a ParamsDict only items() are params; as a mapping it has their values.
            params = {**own.params, **dict((kwargs.pop("params", None) or {}).items())}
            check_schedule(plan, params, kwargs.get("schedule"))
            check_step_names(plan, options.steps or {})
            check_fail_fast(plan, kwargs.get("fail_fast"))
            named = outlet_locations(plan, options.outlets, options.records)
            kwargs.setdefault("catchup", False)
            if options.max_parallel_steps:
                kwargs.setdefault("max_active_tasks", options.max_parallel_steps)  # steps that hold a worker
            kwargs.setdefault("description", one_line(plan.description))
            kwargs.setdefault("tags", ["sagemaker"])
            super().__init__(dag_id, **kwargs)
            if "doc_md" not in kwargs:
                self._undescribed = plan
        except Exception as error:
            failed = broken.in_own_words(error, str(dag_id), f'DAG "{dag_id}"', given, type(self))
            self._without_tasks(dag_id, failed, given)
        self.fileloc = str(caller)
        with self:  # Airflow finds a DAG that was a context manager, also when the file keeps it in no variable
            if failed is None:
                try:
                    of_steps = options.for_steps()
                    source = (definition, caller.parent, {**dict.fromkeys(own.given), **own.secrets}, named)
                    self._step_tasks = build(
                        plan,
                        options.pipeline_name or dag_id,
                        options.steps or {},
                        of_steps,
                        source,
                        dag=self,
                        at_run=own.at_run,
                    )
                    # Last: every task copies the params its DAG has when it is made, into the serialized DAG as well.
                    self.params = ParamsDict(params)
                except Exception as error:
                    failed = broken.in_own_words(error, plan.source, f'DAG "{dag_id}"', {})
                    self._without_tasks(dag_id, failed, given)
                    self.fileloc = str(caller)
            if failed is not None:
                failed, placeholder = broken.outcome(failed, options.on_invalid)
                if placeholder:
                    self._step_tasks, failed = broken.placeholder_task(failed, self), None
        errors = broken.errors_of_file(str(caller))
        errors.pop(dag_id, None)
        if failed is not None:
            errors[dag_id] = failed
        self._failed, self._errors = failed, errors if failed is not None else {}

    @property
    def doc_md(self) -> str | None:
        """The docs that the DAG file gives, else the description of the pipeline.

        The description is written when Airflow serializes the DAG: a worker, which parses the file for each task,
        does not need it.
        """
        if self._undescribed is not None:
            from ..plan.describe import pipeline_doc

            self.doc_md = pipeline_doc(self._undescribed)
        return self.__dict__["doc_md"]  # type: ignore[no-any-return]

    @doc_md.setter
    def doc_md(self, text: str | None) -> None:
        self.__dict__["doc_md"] = text
        self._undescribed = None

    def _without_tasks(self, dag_id: str, error: PipelineError, given: Mapping[str, Any]) -> None:
        """Be a DAG without tasks and without a schedule.  Raises ``error`` where not even that can be."""
        try:
            super().__init__(dag_id, **broken.placeholder_options(error, given))
        except Exception:
            raise error from None

    @property
    def step_tasks(self) -> dict[str, BaseOperator]:
        """The tasks by step name, to be wired with others.

        Raises the definition's problems when it has any; of a placeholder, its one task has every name.
        """
        if self._failed is not None:
            raise self._failed
        return self._step_tasks

    def property_of(self, step: str, path: str) -> PipelineValue:
        """A property of a step for a templated argument of any other task, e.g. ``"ModelArtifacts.S3ModelArtifacts"``.

        The task that takes it runs after the step.  Raises ``KeyError`` for a step that is not there, and
        :class:`InvalidPipeline` for a path that cannot be read.
        """
        return property_of(self.step_tasks, step, path)

    def validate(self) -> None:
        """Called by Airflow when it takes the DAG out of its file: here one DAG is refused, not the whole file."""
        if self._failed is not None:
            raise type(self._failed).several(list(self._errors.values()))
        super().validate()
