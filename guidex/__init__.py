"""The roof: command line and public Python API."""
