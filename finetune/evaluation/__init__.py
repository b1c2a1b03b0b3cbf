"""Zero-shot evaluation: benchmarks, models that are asked, scores with intervals."""
