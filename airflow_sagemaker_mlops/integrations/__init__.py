"""Reports runs to other systems, based on their records: as plain data, and by writing to systems without Airflow."""
