"""Model clients: hosted providers and servers by instructor, local models in process."""
