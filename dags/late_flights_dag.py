"""Late flights on Airflow: a new model every day, deployed only if it is better than the champion."""

from airflow_sagemaker_mlops import SageMakerPipelineDag

SageMakerPipelineDag("late-flights", definition="late_flights/definition.yaml", schedule=None)
