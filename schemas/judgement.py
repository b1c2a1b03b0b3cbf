"""The critic's vocabulary, the scores and the decision on a document."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from schemas.base import Model, Prose


class Agent(StrEnum):
    """The four roles."""

    DESIGNER = "schema-designer"
    WRITER = "guideline-writer"
    ANNOTATOR = "annotator"
    CRITIC = "critic"


class FindingCode(StrEnum):
    """The closed set of objections (SCIENCE: section 2)."""

    UNGROUNDED = "UNGROUNDED"
    BOUNDARY = "BOUNDARY"
    TYPE = "TYPE"
    SPURIOUS = "SPURIOUS"
    MISSING = "MISSING"
    DUPLICATE = "DUPLICATE"
    GUIDELINE_UNDERSPECIFIED = "GUIDELINE_UNDERSPECIFIED"
    GUIDELINE_CONTRADICTION = "GUIDELINE_CONTRADICTION"
    SCHEMA_GENERIC = "SCHEMA_GENERIC"
    SCHEMA_OVERLAP = "SCHEMA_OVERLAP"
    SCHEMA_MISSING_CLASS = "SCHEMA_MISSING_CLASS"


ROUTES: dict[FindingCode, Agent] = {
    FindingCode.UNGROUNDED: Agent.ANNOTATOR,
    FindingCode.BOUNDARY: Agent.ANNOTATOR,
    FindingCode.TYPE: Agent.ANNOTATOR,
    FindingCode.SPURIOUS: Agent.ANNOTATOR,
    FindingCode.MISSING: Agent.ANNOTATOR,
    FindingCode.DUPLICATE: Agent.ANNOTATOR,
    FindingCode.GUIDELINE_UNDERSPECIFIED: Agent.WRITER,
    FindingCode.GUIDELINE_CONTRADICTION: Agent.WRITER,
    FindingCode.SCHEMA_GENERIC: Agent.DESIGNER,
    FindingCode.SCHEMA_OVERLAP: Agent.DESIGNER,
    FindingCode.SCHEMA_MISSING_CLASS: Agent.DESIGNER,
}
"""Which agent can mend a finding; each code has exactly one."""

CODE_DECIDED = frozenset({FindingCode.UNGROUNDED, FindingCode.DUPLICATE})
"""Findings that code settles; a model's word on them is not asked for."""


class Severity(StrEnum):
    """How much a finding weighs; an open major one blocks acceptance."""

    MINOR = "minor"
    MAJOR = "major"


class Finding(Model):
    """One objection."""

    code: FindingCode = Field(description="What is wrong.")
    severity: Severity = Field(description="Whether it blocks acceptance.")
    raised_by: str = Field(description="'critic', 'lint' or 'grounding'.")
    class_name: str | None = Field(default=None, description="The class it is about.")
    quote: str | None = Field(default=None, description="The text it is about, as it stands in the document.")
    start: int | None = Field(
        default=None, ge=0, description="Where that text starts: code point of the document; None if nowhere."
    )
    end: int | None = Field(default=None, ge=0, description="One past its last code point.")
    message: Prose = Field(default="", description="One sentence for the agent that has to mend it.")

    @property
    def span(self) -> tuple[int, int] | None:
        """(start, end), or None where it is about no place of the document."""
        return None if self.start is None or self.end is None else (self.start, self.end)

    @property
    def target(self) -> Agent:
        """The agent that can mend it."""
        return ROUTES[self.code]


class Verdict(StrEnum):
    """What the critic can say of a mention."""

    CORRECT = "correct"
    SPURIOUS = "spurious"
    WRONG_CLASS = "wrong_class"
    WRONG_BOUNDARY = "wrong_boundary"


class MentionJudgement(Model):
    """What the critic says of one mention, before it has seen any vote."""

    class_name: str = Field(description="The class that an annotator gave it.")
    start: int = Field(ge=0, description="First code point of its anchor in the document.")
    end: int = Field(ge=0, description="One past the last code point.")
    verdict: Verdict = Field(description="What the critic finds, as it counts (`thresholds.correct`).")
    probability: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Of being correct as annotated, to the critic's model; None where it is not known.",
    )
    class_found: str | None = Field(
        default=None, description="The class the critic gives it, where it names another one."
    )

    @property
    def span(self) -> tuple[int, int]:
        """(start, end)."""
        return self.start, self.end


class Scores(Model):
    """Fractions of single judgements, each in 0..1; None where nothing was there to be judged.

    Those of `JUDGED_SCORES` decide on a document. The others stand beside the agreement, and say what is
    behind it (formulas: `graph.agreement`).
    """

    grounding: float = Field(
        ge=0,
        le=1,
        description="Mentions found in the document / mentions given, over all annotators; 1 if none.",
    )
    agreement: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Mean over annotator pairs of strict typed span-F1: 2|A∩B| / (|A|+|B|); two empties 1.",
    )
    agreement_untyped: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="The same without regard to class and field: less than this is due to boundaries and "
        "missing mentions.",
    )
    agreement_overlap: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="The same, where spans of one class match one to one as soon as they overlap.",
    )
    agreement_fields: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Mean over annotator pairs of 2|A∩B| / (|A|+|B|) over the field values, anchors left "
        "out, of instances that both have (same class and anchor span); None if these have none.",
    )
    agreement_alpha: float | None = Field(
        default=None,
        ge=-1,
        le=1,
        description="Krippendorff's alpha, nominal, over the document's tokens and the classes each "
        "annotator gives them; 0 is chance. None where it is not defined, as if nothing is annotated.",
    )
    both_empty: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Annotator pairs neither of whom found a mention / pairs. They count as agreeing, but "
        "both may have missed the same.",
    )
    faithfulness: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Mean over the judged agreed instances of the probability of being correct; where the "
        "critic's model gives none, 1 if found correct, else 0.",
    )
    completeness: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Correct instances / (correct instances + missing mentions named).",
    )
    guideline: float | None = Field(
        default=None, ge=0, le=1, description="Classes without an open guideline finding / classes."
    )
    schema_fit: float | None = Field(
        default=None, ge=0, le=1, description="Classes without an open schema finding / classes."
    )


THRESHOLD_SCORES = ("agreement", "faithfulness", "completeness", "guideline", "schema_fit")
"""Scores with a threshold, by name."""

JUDGED_SCORES = ("grounding", *THRESHOLD_SCORES)
"""Scores that decide on a document, by name."""

AGREEMENT_FIGURES = (
    "agreement_untyped",
    "agreement_overlap",
    "agreement_fields",
    "agreement_alpha",
    "both_empty",
)
"""Scores that stand beside the agreement and decide nothing, by name."""


class Thresholds(Model):
    """What a document must reach to be accepted. Grounding has no threshold: it must be 1."""

    agreement: float = Field(default=0.9, ge=0, le=1, description="Least agreement between annotators.")
    faithfulness: float = Field(default=0.8, ge=0, le=1, description="Least share of correct instances.")
    completeness: float = Field(default=0.7, ge=0, le=1, description="Least share of mentions not missed.")
    guideline: float = Field(default=0.5, ge=0, le=1, description="Least share of sound guidelines.")
    schema_fit: float = Field(default=0.5, ge=0, le=1, description="Least share of sound classes.")
    correct: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Least probability of being correct at which the critic lets a mention pass, where its "
        "model gives probabilities; default: its verdict counts as it is said.",
    )
    min_instances: int = Field(
        default=1, ge=0, description="Fewest agreed instances; 0 also accepts documents without any."
    )
    block_on_major: bool = Field(
        default=True, description="Reject while a finding of severity major is open, whatever the scores."
    )


class Outcome(StrEnum):
    """Where a document ends; every document ends in exactly one. Not decided yet: pending."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    FAILED = "failed"
    SKIPPED = "skipped"
    PENDING = "pending"


class Ending(StrEnum):
    """How the loop of a document came to its end."""

    AGREED = "agreed"
    CAP = "round cap"
    STALEMATE = "stalemate"
    OSCILLATION = "oscillation"


class Decision(Model):
    """The verdict on a document."""

    outcome: Outcome = Field(description="Where it ended.")
    reason: str = Field(description="Why, in one sentence.")
    ending: Ending | None = Field(default=None, description="How the loop ended; None if it never ran.")
    round: int | None = Field(default=None, ge=1, description="The round whose result was kept, from 1.")
