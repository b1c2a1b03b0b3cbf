"""Parts of the pilot of a corpus; `graph.pilot_graph` wires them."""
