"""The daily model on Airflow: every day new data is processed, and the model is deployed only if it beats production."""

from airflow_sagemaker_mlops import SageMakerPipelineDag

SageMakerPipelineDag("daily-model", definition="daily_model/definition.yaml", schedule=None)
