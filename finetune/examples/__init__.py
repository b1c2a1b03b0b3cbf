"""Training examples from accepted data: curated, regularised, rendered by the one renderer there is."""

from finetune.examples.blocking import Blocking
from finetune.examples.building import build_examples
from finetune.examples.drawing import CountTokens
from finetune.examples.example_set import ExampleSet
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
