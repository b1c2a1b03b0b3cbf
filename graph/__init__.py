"""The document graph, the runner that drives documents through it, and the run database."""
