"""A fault drill on a real deployment: ``make chaos RUNS=200 KILLS=100 SEED=1`` writes ``build/chaos.json``.

Airflow runs as in production (PostgreSQL, Redis, Celery workers, two triggerers), the embedded AWS answers with faults,
processes are killed at random, and the ledger of jobs is compared with what Airflow says at the end.
"""
