"""The record of a run: one document that says which data, code and parameters made what, and who let it through.

Steps leave step records (:mod:`.model`), one task assembles and seals them (:mod:`.seal`), and the
cache, comparisons and exports read what is stored.  Knows no Airflow.
"""
