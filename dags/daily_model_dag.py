"""The daily model on Airflow: new data every day, deployed only if the new model beats the one in production."""

from airflow_sagemaker_mlops import SageMakerPipelineDag

SageMakerPipelineDag("daily-model", definition="daily_model/definition.yaml", schedule=None)
