"""Selective runs of a DAG: the request in the conf, and what each step does; see ``records.reuse`` for the terms."""
