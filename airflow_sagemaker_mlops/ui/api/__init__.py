"""The routes behind the pages, in Airflow's API server.  Nothing else imports this room."""
