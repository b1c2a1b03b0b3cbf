"""Where documents come from, and which of them a run takes: the table `documents` of a job file."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Literal, Self

from pydantic import Field, model_validator

from schemas.base import Model

MOST_DIVERSE = 2_000
"""Documents that can be chosen to differ: the time this takes grows with their square."""


class Selection(StrEnum):
    """How some documents are chosen from all that there are."""

    RANDOM = "random"
    DIVERSE = "diverse"


class DocumentsConfig(Model):
    """Where documents come from, and which of them are taken."""

    paths: tuple[str, ...] = Field(
        min_length=1,
        description="Files (.jsonl .json .csv .parquet .txt .md .html .pdf; text formats also packed, as in "
        ".jsonl.gz and .csv.zst) or folders; relative to the job file. Also "
        "`hf:OWNER/NAME:CONFIG/SPLIT@REVISION`, a data set of Hugging Face, where all from the colon on "
        "may be left out, `hf:./FOLDER`, such a one in a folder, and `-`, standard input.",
    )
    format: Literal["jsonl", "text"] | None = Field(
        default=None,
        description="Format of standard input: JSON Lines, or text that is one document; default: what its "
        "first line looks like. Files tell theirs by their endings.",
    )
    text_field: str = Field(default="text", description="Field or column of the text.")
    id_field: str = Field(
        default="id", description="Field or column of the id; a hash of the text where absent."
    )
    passage_bytes: int | None = Field(
        default=None,
        ge=200,
        le=20_000,
        description="Longest text of one call, in bytes of UTF-8; longer documents are split at sentences. "
        "Default: 16000, less for local models with a small context.",
    )
    min_words: int | None = Field(
        default=None, ge=1, examples=[20], description="Leave out documents with fewer words (by spaces)."
    )
    max_words: int | None = Field(
        default=None, ge=1, examples=[2000], description="Leave out documents with more words."
    )
    min_characters: int | None = Field(
        default=None,
        ge=1,
        examples=[100],
        description="Leave out documents with fewer characters; for languages written without spaces.",
    )
    max_characters: int | None = Field(
        default=None, ge=1, examples=[20_000], description="Leave out documents with more characters."
    )
    languages: tuple[str, ...] = Field(
        default=(),
        examples=[["en"]],
        description="Leave out documents in other languages than these (ISO 639-1 codes), as py3langid tells "
        "them; needs the extra `language`.",
    )
    sample: int | None = Field(
        default=None,
        ge=1,
        examples=[1000],
        description="Choose so many documents of those that the filters leave, as `select` says, and leave "
        "out the others.",
    )
    select: Selection = Field(
        default=Selection.RANDOM,
        description="How the sample is chosen: at random by the job's seed, or so that its documents differ, "
        f"short and long ones alike (at most {MOST_DIVERSE:,}).",
    )
    limit: int | None = Field(
        default=None, ge=1, description="Take only the first so many documents of those not left out."
    )
    ids: tuple[str, ...] = Field(default=(), description="Take only documents of these ids.")

    @model_validator(mode="after")
    def _can_be_met(self) -> Self:
        for least, most, of in (
            (self.min_words, self.max_words, "words"),
            (self.min_characters, self.max_characters, "characters"),
        ):
            if least is not None and most is not None and least > most:
                raise ValueError(f"no document has at least {least} and at most {most} {of}")
        for language in self.languages:
            if not re.fullmatch("[a-z]{2,3}", language):
                raise ValueError(f"languages are named by their codes, such as en or de, not {language!r}")
        if self.select is Selection.DIVERSE and self.sample is None:
            raise ValueError("select `diverse` needs to know how many: set sample")
        if self.select is Selection.DIVERSE and self.sample is not None and self.sample > MOST_DIVERSE:
            raise ValueError(
                f"at most {MOST_DIVERSE:,} documents can be chosen to differ: choose more of them at random"
            )
        return self

    @property
    def leaves_out(self) -> bool:
        """Whether there is a filter or a sample."""
        lengths = (self.min_words, self.max_words, self.min_characters, self.max_characters)
        filtered = bool(self.languages) or any(length is not None for length in lengths)
        return filtered or self.sample is not None
