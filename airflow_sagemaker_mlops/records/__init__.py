"""The record of a run: one document with its data, code, parameters, results and approvals.

Each step writes a step record (:mod:`.model`), one task assembles and seals them (:mod:`.seal`), and the cache,
comparisons and exports read the stored records.  This room does not import Airflow.
"""
