"""Made-up accepted documents for the tests of exports."""

from __future__ import annotations

from hypothesis import strategies as st

from graph.exports import Export, ExportedDocument, Provenance
from schemas.annotation import Annotation, Instance, Mention, MentionStatus
from schemas.documents import Document
from schemas.judgement import Agent, Scores
from schemas.rounds import Round
from schemas.schema import AnnotationSchema, ClassSpec, Guideline

SCHEMA = AnnotationSchema(
    domain="News",
    classes=(
        ClassSpec(name="Person", guideline=Guideline(definition='People with <names> & "titles" | ] `x`.')),
        ClassSpec(name="Place", guideline=Guideline(definition="Where something is.", exclude=("Nations",))),
        ClassSpec(name="Thing"),
    ),
)
PIECES = (
    *(
        "Ada",
        "Zoë",
        "e\u0301",
        "नमस्ते",
        "漢字",
        "😀",
        "👩‍🔬",
        "🇫🇷",
        "a-b",
        "don't",
        "-DOCSTART-",
        "\ufeff",
        "\u200b",
    ),
    *(" ", "  ", "\n", "\r\n", "\t", "\u00a0", "\u2028", "\x85", "\x1c", ".", ",", '"', "<b>", "&amp;", "|"),
    *("\n\n", "_", "1,000.5", "\x00", "O", "B-Person", "# id = 1"),
)


def provenance() -> Provenance:
    return Provenance(
        run="trial",
        run_id="01TRIAL",
        guidex="0.1.0",
        mode="given",
        method="agents",
        models=("openai/small",),
        decision_version=2,
        thresholds={"agreement": 0.9, "block_on_major": True, "correct": None},
    )


def export() -> Export:
    return Export(provenance())


def exported_document(
    text: str,
    spans: tuple[tuple[int, int, str], ...] = (),
    *,
    unknown: tuple[str, ...] = (),
    identifier: str = "d",
    agreement: float | None = 0.75,
    meta: dict[str, str] | None = None,
    schema: AnnotationSchema = SCHEMA,
) -> ExportedDocument:
    """A document with mentions of these classes."""
    instances = tuple(
        Instance(
            class_name=label,
            values={"span": text[start:end]},
            mentions=(
                Mention(
                    field="span", quote=text[start:end], start=start, end=end, status=MentionStatus.EXACT
                ),
            ),
        )
        for start, end, label in spans
    )
    agreed = Annotation(
        document_id=identifier, annotator="agreed", instances=instances, unknown_classes=unknown
    )
    kept = Round(
        number=1,
        entered=Agent.DESIGNER,
        annotation_schema=schema,
        annotations=(agreed,),
        agreed=agreed,
        scores=Scores(grounding=1, agreement=agreement),
        state_hash="0",
    )
    document = Document(id=identifier, text=text, source="a.jsonl:1", meta=dict(meta or {}))
    return ExportedDocument(document, kept, None, 2)


@st.composite
def exported_documents(draw: st.DrawFn) -> ExportedDocument:
    """Documents with emoji, combining marks, all line ends; mentions anywhere, across others too."""
    text = "".join(draw(st.lists(st.sampled_from(PIECES), min_size=1, max_size=25)))
    spans = set()
    for _ in range(draw(st.integers(0, 6))):
        start = draw(st.integers(0, len(text) - 1))
        end = draw(st.integers(start + 1, len(text)))
        spans.add((start, end, draw(st.sampled_from(SCHEMA.names))))
    unknown = draw(st.sets(st.sampled_from(SCHEMA.names), max_size=3))
    identifier = draw(st.sampled_from(["d", "a\tb", "é\u2028\n", "😀"]))
    return exported_document(
        text,
        tuple(sorted(spans)),
        unknown=tuple(name for name in SCHEMA.names if name in unknown),
        identifier=identifier,
    )
