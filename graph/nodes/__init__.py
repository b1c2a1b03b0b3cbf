"""What each node of the document graph does; `graph.document_graph` wires them."""
