"""What the pages show, from Airflow's database and from the store of records."""
