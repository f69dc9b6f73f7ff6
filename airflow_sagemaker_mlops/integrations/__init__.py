"""What other systems are told of a run, out of its record: plain data, and writing it where no Airflow is needed."""
