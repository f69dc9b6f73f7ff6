"""A definition as a DAG: the main public class.

Relative paths are relative to the calling file; every keyword that is not documented here is Airflow's own.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from airflow.sdk import DAG
from airflow.sdk.definitions._internal.types import NOTSET, ArgNotSet
from airflow.sdk.definitions.param import ParamsDict

from ..definition.problems import PipelineError
from .build import build
from .options import (
    PipelineOptions,
    caller_file,
    check_fail_fast,
    check_on_invalid,
    check_step_names,
    one_line,
    outlet_locations,
    plan_in_stage,
    property_of,
    with_secrets,
)
from .parameters import check_defaults, check_schedule, one_owner, parameters_of

if TYPE_CHECKING:
    from types import ModuleType

    from airflow.sdk import BaseOperator

    from ..plan.model import Plan
    from ..runtime.pipeline_value import PipelineValue


_OF_MODULE: WeakKeyDictionary[ModuleType, dict[str, PipelineError]] = WeakKeyDictionary()
_OF_FILE: dict[str, dict[str, PipelineError]] = {}


def _errors_of_file(file: str) -> dict[str, PipelineError]:
    """The errors of the DAG file being loaded, by DAG id, as a mutable mapping: Airflow keeps one error per file.

    ``file`` is where the DAG is created, possibly a module that many DAG files call; so the module that Airflow loads
    takes precedence.  Each load has its own module, and with it its own errors.
    """
    from airflow.sdk.definitions._internal.contextmanager import DagContext

    module = sys.modules.get(getattr(DagContext, "current_autoregister_module_name", None) or "")
    return _OF_FILE.setdefault(file, {}) if module is None else _OF_MODULE.setdefault(module, {})


class SageMakerPipelineDag(DAG):
    """A SageMaker pipeline as a DAG: one task per step, with the step's name.

    :param dag_id: id of the DAG, and name of the pipeline unless ``pipeline_name`` is given
    :param definition: file (JSON or YAML), JSON text, dict, or an SDK pipeline object
    :param parameters: values of the pipeline's parameters, which users can change in the trigger form: plain values,
        Airflow templates (``{"Day": "{{ ds }}"}``) and results of other tasks (``{"Day": latest_day()}``); the task
        ``pipeline.parameters`` renders the latter two once in each run; see docs/parameters.md
    :param steps: Airflow arguments of individual steps, ``{"Train": {"pool": "gpu", "retries": 3}}``
    :param aws_conn_id: connection of all steps; ``None`` for boto3's credential chain; default: ``[sagemaker_mlops]
        aws_conn_id``
    :param region_name: region of all steps; default: the connection's
    :param assume_role_arn: role, possibly in another account, that the connection's identity assumes for the steps
    :param external_id: ``sts:ExternalId`` that the trust policy of ``assume_role_arn`` requires
    :param start_in: "triggerer" or "worker": where steps with jobs start
    :param logs: "end", "live" or "off": when container log lines are copied to the task log
    :param records: location of the runs' records, ``s3://bucket/prefix`` or a folder, or "off"; default:
        ``[sagemaker_mlops] records``
    :param outlets: S3 locations, as URIs or assets, on which other DAGs are scheduled: an event is sent whenever a step
        has written something new at or under one; requires ``records``.  Registered models need not be listed
    :param max_parallel_steps: MaxParallelExecutionSteps: maximum number of steps of a run that run at once, including
        deferred ones; 0 for no limit
    :param on_invalid: "import_error" or "placeholder": what to do with a pipeline that cannot be built; default:
        ``[sagemaker_mlops] on_invalid``
    :param stage: stage whose configuration applies, ``config/<stage>.yaml`` beside the DAG file or in the folder above;
        default: ``[sagemaker_mlops] stage``; see docs/guides/stages.md
    :param config: file with the configuration of a stage, instead of ``stage``

    Problems of the definition and of the options appear as an import error of the file: :meth:`validate`, which Airflow
    calls for each DAG, raises ``InvalidPipeline`` or ``UnsupportedPipeline`` with all of them.  Airflow then marks the
    other DAGs of the file as stale.  With ``on_invalid="placeholder"`` they stay, and the broken DAG is replaced with
    an unscheduled one that has the report as its docs, and whose runs fail with it.
    """

    _undescribed: Plan | None = None

    def __init__(
        self,
        dag_id: str,
        definition: object,
        *,
        pipeline_name: str | None = None,
        parameters: Mapping[str, object] | None = None,
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
        stage: str | None = None,
        config: str | os.PathLike[str] | None = None,
        **kwargs: Any,
    ) -> None:
        options = PipelineOptions.of(locals())
        caller = caller_file()
        given = dict(kwargs)
        self._step_tasks: dict[str, BaseOperator] = {}
        failed: PipelineError | None = None
        of_steps: dict[str, Any] = {}
        try:
            check_on_invalid(options.on_invalid)
            plan, options, kwargs = plan_in_stage(definition, options, kwargs, dag_id, caller.parent)
            own = self.parameters = parameters_of(plan, options.parameters)
            one_owner(own, kwargs.get("params"))
            plan = with_secrets(plan, own)
            # Only items() of a ParamsDict has params; as a mapping it has their values.
            params = {**own.params, **dict((kwargs.pop("params", None) or {}).items())}
            check_defaults(plan, params)
            check_schedule(plan, params, kwargs.get("schedule"))
            check_step_names(plan, options.steps or {})
            check_fail_fast(plan, kwargs.get("fail_fast"))
            named = outlet_locations(plan, options.outlets, options.records)
            kwargs.setdefault("catchup", False)
            of_steps = options.for_steps()
            if options.max_parallel_steps:
                kwargs.setdefault("max_active_tasks", options.max_parallel_steps)  # steps that occupy a worker
            kwargs.setdefault("description", one_line(plan.description))
            kwargs.setdefault("tags", ["sagemaker"])
            super().__init__(dag_id, **kwargs)
            if "doc_md" not in kwargs:
                self._undescribed = plan
        except Exception as error:
            failed = self._without_tasks(dag_id, error, given)
        self.fileloc = str(caller)
        with self:  # Airflow finds a DAG used as a context manager even if no variable refers to it
            if failed is None:
                try:
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
                    # Last, because every task created after this would copy the params into the serialized DAG.
                    self.params = ParamsDict(params)
                except Exception as error:
                    failed = self._without_tasks(dag_id, error, given, plan.source)
                    self.fileloc = str(caller)
            if failed is not None:
                failed = self._with_placeholder(failed, options.on_invalid)
        errors = _errors_of_file(str(caller))
        errors.pop(dag_id, None)
        if failed is not None:
            errors[dag_id] = failed
        self._failed, self._errors = failed, errors if failed is not None else {}

    @property
    def doc_md(self) -> str | None:
        """The docs from the DAG file, otherwise a description of the pipeline.

        The description is generated when Airflow serializes the DAG: a worker, which parses the file for each task,
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

    def _without_tasks(
        self, dag_id: str, error: Exception, given: Mapping[str, object], source: str = ""
    ) -> PipelineError:
        """Initialize as a DAG without tasks and without a schedule; ``error`` as problems.

        :param given: the DAG's keywords, which may have caused the error unless there is a plan
        :param source: the source of the plan, if there is one
        :raises PipelineError: if even that is impossible
        """
        from .invalid import as_problem, placeholder_options

        failed = as_problem(error, source or str(dag_id), f'DAG "{dag_id}"', {} if source else given, type(self))
        try:
            super().__init__(dag_id, **placeholder_options(failed, given))
        except Exception:
            raise failed from None
        return failed

    def _with_placeholder(self, failed: PipelineError, on_invalid: str | None) -> PipelineError | None:
        """Create the placeholder's task if ``on_invalid`` asks for it; otherwise the error to raise."""
        from .invalid import outcome, placeholder_task

        failed, placeholder = outcome(failed, on_invalid)
        if not placeholder:
            return failed
        self._step_tasks = placeholder_task(failed, self)
        return None

    @property
    def step_tasks(self) -> dict[str, BaseOperator]:
        """The tasks by step name, for wiring them with others.

        Raises the definition's problems if it has any; a placeholder returns its one task for every name.
        """
        if self._failed is not None:
            raise self._failed
        return self._step_tasks

    def property_of(self, step: str, path: str) -> PipelineValue:
        """A property of a step for a templated argument of any other task, e.g. ``"ModelArtifacts.S3ModelArtifacts"``.

        A task that uses it runs after the step.  Raises ``KeyError`` for an unknown step, and
        :class:`InvalidPipeline` for a path that cannot be parsed.
        """
        return property_of(self.step_tasks, step, path)

    def validate(self) -> None:
        """Called by Airflow when it collects the DAGs of a file: an error here refuses one DAG, not the whole file."""
        if self._failed is not None:
            raise type(self._failed).several(list(self._errors.values()))
        super().validate()
