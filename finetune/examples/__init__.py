"""Training examples from accepted data: curated, regularised, rendered by the one renderer there is."""

from finetune.examples.building import Blocking, CountTokens, ExampleSet, build_examples
from finetune.examples.models import Example, ExamplesReport, LeftOut, Origin, Source

__all__ = [
    "Blocking",
    "CountTokens",
    "Example",
    "ExampleSet",
    "ExamplesReport",
    "LeftOut",
    "Origin",
    "Source",
    "build_examples",
]
