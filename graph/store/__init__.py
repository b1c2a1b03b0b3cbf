"""The run database: one SQLite file per run."""
