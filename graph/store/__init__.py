"""The run database: one SQLite file per run, written by one process and read by any.

`RunStore` (graph.store.store) writes, `RunReader` (graph.store.reading) reads.
"""
