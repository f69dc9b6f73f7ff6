"""Other tasks of the DAG between two steps: they are not in the definition, but can make Airflow skip a step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...definition.problems import Problem
from ...plan.selection import Selection

if TYPE_CHECKING:
    from airflow.sdk import DAG

# Trigger rules with which Airflow skips a task if an upstream was skipped.
_SKIPPED = frozenset({"all_success", "none_skipped"})


def cut_off(dag: DAG, group: str, selection: Selection) -> Iterator[Problem]:
    """Selected and reused steps that Airflow would skip: other tasks connect them to a step that is not selected.

    group   of the pipeline in ``dag``; "" if it is the whole DAG
    """
    prefix = f"{group}." if group else ""
    not_selected = {prefix + name for name in selection.not_selected}
    wanted = {prefix + name for name in (*selection.selected, *selection.reused)}
    tasks = dag.task_dict
    for name in sorted(wanted):
        seen = {name}
        stack = [name]
        while stack:
            below = stack.pop()
            if str(getattr(tasks[below].trigger_rule, "value", tasks[below].trigger_rule)) not in _SKIPPED:
                continue
            for above in sorted(tasks[below].upstream_task_ids - seen - wanted):
                seen.add(above)
                if above not in not_selected:
                    stack.append(above)
                    continue
                step, other = name.removeprefix(prefix), above.removeprefix(prefix)
                what = f'"{step}" waits for "{below}", which waits for "{other}", which is not selected.'
                yield Problem("SM412", f"$.Steps.{step}", what, f"Select {other} as well.")
