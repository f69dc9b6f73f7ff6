"""Tasks of the DAG's own between two steps: the definition knows nothing of them, and they can hold a step up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...definition.problems import Problem
from ...plan.selection import Selection

if TYPE_CHECKING:
    from airflow.sdk import DAG

# Rules by which Airflow skips a task whose upstream was skipped.
_SKIPPED = frozenset({"all_success", "none_skipped"})


def cut_off(dag: DAG, group: str, selection: Selection) -> Iterator[Problem]:
    """Selected and reused steps that Airflow would skip, as other tasks lead from a step that is left out to them.

    group   of the pipeline in ``dag``; "" when it is the whole of it
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
                what = f'"{step}" waits for "{below}", and that for "{other}", which is not selected and so is skipped.'
                yield Problem("SM412", f"$.Steps.{step}", what, f"Select {other} as well.")
