"""The controls that the agents are measured against, each a graph of its own; how each accepts."""
