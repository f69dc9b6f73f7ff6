"""The data of the pages, from Airflow's database and the record store."""
