"""A team's store: small tables in PostgreSQL, large ones as Parquet files that never change in a shared folder."""
