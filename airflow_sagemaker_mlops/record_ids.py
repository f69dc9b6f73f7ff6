"""The id under which a pipeline's records are kept; a parse needs it, and so do runs, pages and the command line."""

from __future__ import annotations


def record_id(dag_id: str, group: str) -> str:
    """The id of a pipeline's records: its DAG, and its task group if it has one."""
    return f"{dag_id}.{group}" if group else dag_id
