"""Sources of training examples, made up: sentences with the phrases that are annotated in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hypothesis import strategies as st

from finetune.examples import Origin, Source
from schemas.annotation import Annotation
from schemas.locate import TextIndex, instance_at
from schemas.schema import AnnotationSchema, ClassSpec, Guideline

PHRASES = {
    "Person": ("Ada Lovelace", "Grace Hopper", "Alan Turing", "Emmy Noether"),
    "City": ("Oslo", "Lagos", "Lima", "Quito"),
    "Drug": ("aspirin", "morphine", "quinine", "insulin"),
    "MusicalWork": ("Aida", "Tosca", "Carmen", "Fidelio"),
    "Ship": ("Titanic", "Beagle", "Bounty", "Endurance"),
}


def source(
    identifier: str,
    text: str,
    phrases: Mapping[str, Sequence[str]],
    *,
    unknown: tuple[str, ...] = (),
    origin: Origin = Origin.ACCEPTED,
    definition: str = "",
) -> Source:
    """A text with the phrases of its classes, each wherever it stands."""
    index = TextIndex(text)
    specs = {
        name: ClassSpec(name=name, guideline=Guideline(definition=definition or f"Any {name.lower()}."))
        for name in phrases
    }
    found = sorted(
        (span, name) for name, each in phrases.items() for phrase in each for span in index.spans(phrase)
    )
    return Source(
        id=identifier,
        text=text,
        annotation_schema=AnnotationSchema(classes=tuple(specs.values())),
        annotation=Annotation(
            document_id=identifier,
            annotator="agreed",
            instances=tuple(instance_at(specs[name], index, span) for span, name in found),
            unknown_classes=unknown,
        ),
        origin=origin,
    )


@st.composite
def sources(draw: st.DrawFn) -> list[Source]:
    """Documents with schemas of their own, which share classes and phrases with others."""
    made = []
    for number in range(draw(st.integers(1, 6))):
        classes = draw(st.lists(st.sampled_from(sorted(PHRASES)), min_size=1, max_size=3, unique=True))
        chosen = {
            name: draw(st.lists(st.sampled_from(PHRASES[name]), max_size=2, unique=True)) for name in classes
        }
        words = [f"Text {number} begins here."]
        for each in chosen.values():
            words += [f"Then came {phrase}, and nobody knew why." for phrase in each]
        words += draw(st.lists(st.sampled_from(["It rained.", "Oslo slept.", "Nothing else is known."])))
        unknown = tuple(draw(st.lists(st.sampled_from(classes), max_size=1)))
        made.append(source(f"d{number}", " ".join(words), chosen, unknown=unknown))
    return made
