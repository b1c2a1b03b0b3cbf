"""Runs as OpenTelemetry traces: rows of the store become spans, which are sent by OTLP or written to a file.

Nothing else in GuideX imports OpenTelemetry, which is in the extra `otel`. What a run does is never traced as
it happens: the store has all of it, so spans are made from there, live or later, and are the same both times.
"""
