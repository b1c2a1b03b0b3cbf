"""The four roles and the model clients they speak through."""
