"""What never reaches the database: secrets of the environment, and code points that cannot be stored."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

if TYPE_CHECKING:
    from schemas.job import Job

REDACTED: Final = "[redacted]"
SHORTEST: Final = 8
"""A shorter value is no key, and would be found in ordinary words."""

_SECRET_NAME = re.compile(r"(^|_)(API_?KEY|TOKEN|SECRET|ACCESS_KEY)$", re.IGNORECASE)
_SURROGATE = re.compile("[\ud800-\udfff]")


class Redactor:
    """Replaces secrets in text by `[redacted]`, also in the forms JSON and URLs give them."""

    def __init__(self, secrets: Iterable[str]) -> None:
        forms: set[str] = set()
        for secret in secrets:
            plain = secret.strip()
            if len(plain) >= SHORTEST:
                in_json = json.dumps(plain, ensure_ascii=False)[1:-1]
                forms |= {plain, in_json, json.dumps(plain)[1:-1], quote(plain, safe=""), quote(plain)}
        # The longest first, as one secret may begin with another.
        self._forms = tuple(sorted(forms, key=lambda form: (-len(form), form)))

    @classmethod
    def from_environment(
        cls, names: Iterable[str] = (), environment: Mapping[str, str] | None = None
    ) -> Redactor:
        """Take the values of all variables whose name says that they are secret, and of those named."""
        variables = os.environ if environment is None else environment
        named = set(names)
        return cls(value for name, value in variables.items() if name in named or _SECRET_NAME.search(name))

    def finds_nothing(self, text: str) -> bool:
        """Whether the text can be stored as it is."""
        for form in self._forms:
            if form in text:
                return False
        if text.isascii():
            return True
        try:
            text.encode()
        except UnicodeEncodeError:
            return False
        return True

    def __call__(self, text: str) -> str:
        """The text without secrets, and with U+FFFD for lone surrogates, which UTF-8 does not know."""
        if self.finds_nothing(text):
            return text
        for form in self._forms:
            text = text.replace(form, REDACTED)
        return _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", text)


def redactor_for(job: Job) -> Redactor:
    """What takes out the secrets of the environment and those the job names."""
    configs = [job.model, *(config for _, config in job.agents if config is not None)]
    configs += [annotator.model for annotator in job.annotators if annotator.model is not None]
    return Redactor.from_environment(config.api_key_env for config in configs if config.api_key_env)
