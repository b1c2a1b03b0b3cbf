"""Which documents are left out for what they are: too short, too long, in another language."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from graph.documents.sources import require_extra
from schemas.documents import Document
from schemas.errors import UsageError
from schemas.inputs import DocumentsConfig

_TOLD_FROM: Final = 4_000
"""Characters by which a language is told; more would not make it surer."""


class Objection(NamedTuple):
    """What is against taking a document."""

    key: str
    """The job's key that says so."""
    reason: str
    """In words."""


class Filters:
    """The filters of a job."""

    def __init__(self, config: DocumentsConfig) -> None:
        """Take what the job says.

        Raises:
            UsageError: What tells languages is not installed, or does not know one of them.
        """
        self._config = config
        self._identifier: Any = _identifier(config.languages) if config.languages else None

    def against(self, document: Document) -> Objection | None:
        """What is against taking a document; None if nothing is."""
        config, text = self._config, document.text
        if config.min_words is not None or config.max_words is not None:
            objection = _outside(len(text.split()), config.min_words, config.max_words, "words")
            if objection is not None:
                return objection
        return _outside(
            len(text), config.min_characters, config.max_characters, "characters"
        ) or self._foreign(text)

    def _foreign(self, text: str) -> Objection | None:
        wanted = self._config.languages
        if not wanted:
            return None
        language, sureness = self._identifier.classify(text[:_TOLD_FROM])
        if language in wanted:
            return None
        told = f"its language is told as {language} ({sureness:.0%} sure), not {' or '.join(wanted)}"
        return Objection("languages", told)


def _outside(count: int, least: int | None, most: int | None, what: str) -> Objection | None:
    has = f"it has {count:,} {what if count != 1 else what[:-1]}"
    if least is not None and count < least:
        return Objection(f"min_{what}", f"{has}, fewer than {least:,}")
    if most is not None and count > most:
        return Objection(f"max_{what}", f"{has}, more than {most:,}")
    return None


def _identifier(languages: tuple[str, ...]) -> Any:
    require_extra("language")
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    unknown = sorted(set(languages).difference(identifier.labels))
    if unknown:
        raise UsageError(
            f"The language {', '.join(unknown)} is not known.",
            f"Those known are {' '.join(sorted(identifier.labels))}.",
        )
    return identifier
