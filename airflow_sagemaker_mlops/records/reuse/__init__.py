"""Selective execution: a run of some steps of a pipeline on the results of an earlier run.

One word for each thing, also in ``runtime/selective`` (a DAG run's conf) and ``runs/start.py`` (``run --select``):

request          what the user asks for: ``SelectiveRequest`` in ``selective_run``
selection        the steps of the plan, each selected, reused or not selected: ``Selection`` in ``plan/selection``
source run       the recorded run whose results the reused steps take: ``SourceRun`` in ``source_run``
selective plan   the checked request, with selection, source run and inherited parameters: ``SelectivePlan``
step selection   what the run does with one step: ``StepSelection`` in ``runtime/selective/step``
"""
