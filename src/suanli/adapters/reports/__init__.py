"""Reports of a replay: Parquet tables, plots, and one page with everything on it. Its libraries are optional."""
