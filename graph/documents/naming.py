"""How documents are named in a job: by a path, as a data set of Hugging Face, or as standard input."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from graph.documents.packing import PACKINGS
from schemas.errors import DocumentError

STANDARD_INPUT: Final = "-"

_PREFIX: Final = "hf:"
_FOLDER: Final = re.compile(r"hf:(?P<what>[./~][^:]*)(?::(?:(?P<config>[^:/]+)/)?(?P<split>[^:/]*))?")
_HUB: Final = re.compile(
    r"hf:(?P<what>[\w.-]+/[\w.-]+)(?::(?:(?P<config>[^:@/]+)/)?(?P<split>[^:@/]*))?(?:@(?P<revision>[^\s@]+))?"
)


@dataclass(frozen=True)
class DataSetName:
    """A data set of Hugging Face: `hf:OWNER/NAME[:[CONFIG/]SPLIT][@REVISION]`, or `hf:` and a local folder.

    Attributes:
        what: `OWNER/NAME`, or the folder, which begins with `.`, `/` or `~`.
        config: Its configuration, where it has several.
        split: Its split; the one there is, or train, where none is named.
        revision: Branch, tag or commit; of the hub only.
    """

    what: str
    config: str | None = None
    split: str | None = None
    revision: str | None = None

    @property
    def folder(self) -> Path | None:
        """Where it lies; None if that is the hub."""
        return Path(self.what).expanduser() if self.what[0] in "./~" else None

    def __str__(self) -> str:
        part = "".join(filter(None, (self.config and f"{self.config}/", self.split)))
        return f"{_PREFIX}{self.what}{part and f':{part}'}{f'@{self.revision}' if self.revision else ''}"


def data_set_named(named: str) -> DataSetName | None:
    """The data set that a name in a job stands for; None if it is a path.

    Raises:
        DocumentError: It is neither.
    """
    if not named.startswith(_PREFIX):
        return None
    found = _FOLDER.fullmatch(named) or _HUB.fullmatch(named)
    if found is None:
        raise DocumentError(
            f"{named!r} names no data set.",
            "Write hf:OWNER/NAME, hf:OWNER/NAME:SPLIT, hf:OWNER/NAME:CONFIG/SPLIT, and @REVISION behind "
            "any of them, or hf:./FOLDER.",
        )
    return DataSetName(
        **{key: value or None for key, value in found.groupdict().items() if key != "what"},
        what=found["what"],
    )


def with_path(named: str, change: Callable[[str], str]) -> str:
    """A name with another path, if there is a path in it; faults in it are left to whoever reads."""
    try:
        data_set = data_set_named(named)
    except DocumentError:
        return named
    if named == STANDARD_INPUT or (data_set is not None and data_set.folder is None):
        return named
    if data_set is None:
        return change(named)
    path = change(str(data_set.folder))
    path = path if path[0] in "./~" else f"./{path}"
    return str(DataSetName(path, data_set.config, data_set.split))


def stem_of(named: str) -> str:
    """A name without path and the endings of its format and packing, to call a run after."""
    data_set = data_set_named(named)
    if named == STANDARD_INPUT:
        return "stdin"
    path = Path(named if data_set is None else data_set.what)
    if data_set is not None and data_set.folder is None:
        return path.name
    path = path.resolve()
    return path.with_suffix("").stem if path.suffix.lower() in PACKINGS else path.stem
