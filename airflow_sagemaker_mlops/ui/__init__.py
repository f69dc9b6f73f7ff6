"""Pages in Airflow's interface: a plugin, its JSON API in the API server, and the scripts that the browser loads."""
