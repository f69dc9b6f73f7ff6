"""Amazon SageMaker Pipelines as native Apache Airflow DAGs."""
