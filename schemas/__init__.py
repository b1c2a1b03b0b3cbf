"""What flows through GuideX: documents, schemas, annotations, judgements, jobs, and the code dialect.

Pure: nothing here reads a file, opens a connection or imports another package of the project.
"""
