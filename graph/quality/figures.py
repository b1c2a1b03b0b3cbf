"""The figures of a run: functions of sums over its documents."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from finetune.scoring.counting import ABOUT, Counts, Measure, f1, share
from graph.quality.results import DocumentResult
from schemas.judgement import Outcome

Quantities = Mapping[str, float]
"""Name to number, of a document or summed over several."""


@dataclass(frozen=True)
class Definition:
    """A figure.

    Attributes:
        about: What it is.
        of: The figure from sums over documents; None where it is not defined.
    """

    about: str
    of: Callable[[Quantities], float | None]


def _ratio(about: str, part: str, whole: str) -> Definition:
    return Definition(about, lambda sums: share(sums[part], sums[whole]))


def _measured(measure: Measure) -> dict[str, Definition]:
    """The figures that depend on when a mention is correct."""
    m = measure.value

    def accepted_f1(sums: Quantities) -> float | None:
        faults = sums[f"{m}.wrong"] + sums[f"{m}.missed"]
        return f1(sums[f"{m}.correct"], faults) if sums["accepted"] else None

    def f1_of_all(sums: Quantities) -> float:
        faults = sums[f"{m}.wrong"] + sums[f"{m}.missed"] + sums[f"{m}.not_accepted"]
        return f1(sums[f"{m}.correct"], faults)

    return {
        f"{m}.precision": Definition(
            f"correct / found mentions of accepted documents; correct is: {ABOUT[measure]}",
            lambda sums: share(sums[f"{m}.correct"], sums[f"{m}.correct"] + sums[f"{m}.wrong"]),
        ),
        f"{m}.recall": Definition(
            "correct / gold mentions of accepted documents",
            lambda sums: share(sums[f"{m}.correct"], sums[f"{m}.correct"] + sums[f"{m}.missed"]),
        ),
        f"{m}.recall_known": _ratio(
            "recall without mentions of classes that are marked unknown in their document",
            f"{m}.known_correct",
            f"{m}.known_gold",
        ),
        f"{m}.f1": Definition("harmonic mean of precision and recall, micro-averaged", accepted_f1),
        f"{m}.f1_all": Definition("F1 over all documents, where those not accepted have nothing", f1_of_all),
    }


FIGURES: Mapping[str, Definition] = {
    "coverage": _ratio("accepted documents / documents", "accepted", "documents"),
    **_measured(Measure.STRICT),
    **_measured(Measure.GOLLIE),
    "exact": _ratio(
        "accepted documents with just the mentions of the gold / accepted documents", "exact", "accepted"
    ),
    "hallucinated": _ratio(
        "mentions that stand nowhere in the document / mentions that annotators gave, in the kept rounds of "
        "all documents; they are left out before anything is counted",
        "ungrounded",
        "given",
    ),
    "unusable": _ratio(
        "annotators' answers that did not fit, were truncated or filtered / their answers, re-asks included",
        "unusable",
        "answers",
    ),
    "generated": _ratio("generated tokens of all calls / documents", "generated", "documents"),
    "prompt": _ratio("prompt tokens of all calls / documents", "prompt", "documents"),
    "uncached": _ratio("prompt tokens that no prefix cache served / documents", "uncached", "documents"),
    "generated_per_correct": _ratio(
        "generated tokens of all documents, accepted or not / correct accepted mentions (strict)",
        "generated",
        "strict.correct",
    ),
}
"""Name to figure. Documents are those of the gold that all compared runs have."""


def quantities(
    document: DocumentResult, counts: Mapping[Measure, Counts], unknown: Collection[str]
) -> dict[str, int]:
    """What the figures are made of.

    Args:
        document: The result.
        counts: Its mentions, accepted or not.
        unknown: Classes that are unknown in it, under the names that are counted.
    """
    taken = document.taken
    accepted = document.outcome is Outcome.ACCEPTED
    made = {
        "documents": 1,
        "accepted": int(accepted),
        "given": document.given,
        "ungrounded": document.ungrounded,
        "answers": taken.answers,
        "unusable": taken.unusable,
        "prompt": taken.input_tokens,
        "uncached": max(0, taken.input_tokens - taken.cached_tokens),
        "generated": taken.output_tokens,
    }
    for measure, counted in counts.items():
        gold = counted.correct + counted.missed
        named = {
            "correct": counted.correct.total(),
            "wrong": counted.wrong.total(),
            "missed": counted.missed.total(),
            "known_correct": sum(n for name, n in counted.correct.items() if name not in unknown),
            "known_gold": sum(n for name, n in gold.items() if name not in unknown),
        }
        made |= {f"{measure}.{name}": number * accepted for name, number in named.items()}
        made[f"{measure}.not_accepted"] = gold.total() * (not accepted)
    strict = counts[Measure.STRICT]
    made["exact"] = int(accepted and not strict.wrong and not strict.missed)
    return made


def figures_of(sums: Quantities) -> dict[str, float | None]:
    """All figures, from sums."""
    return {name: definition.of(sums) for name, definition in FIGURES.items()}
