"""Model clients: hosted providers and servers by instructor, local models in process.

Names here are cheap to import; `factory.ClientPool` makes clients and loads SDKs with the first of them.
"""
