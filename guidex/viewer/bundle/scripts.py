"""Scripts in one: a bundle has no addresses from which one module could import another."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

_IMPORT: Final = re.compile(r'^import \{([^}]*)\} from "\./([\w-]+\.js)";$', re.MULTILINE)
_EXPORT: Final = re.compile(r"^export ((?:async )?(?:function\*?|const|let|class) (\w+))", re.MULTILINE)


class JoinedScripts:
    """Modules of the viewer joined into one script, each once and behind what it imports."""

    def __init__(self, read: Callable[[str], str]) -> None:
        """Begin with none.

        Args:
            read: Gives a module's text by the name of its file.
        """
        self._read = read
        self._texts: dict[str, str] = {}

    def add(self, name: str) -> None:
        """Add a module with what it imports.

        Raises:
            ValueError: It imports or exports in a form that is not known here.
        """
        if name in self._texts:
            return
        text = self._read(name)
        for found in _IMPORT.finditer(text):
            self.add(found[2])
        exported = [found[2] for found in _EXPORT.finditer(text)]
        text = _EXPORT.sub(r"\1", _IMPORT.sub(_taken, text))
        if re.search(r"^\s*(?:import|export)\b", text, re.MULTILINE):
            raise ValueError(f"{name} imports or exports in a form that cannot be joined")
        self._texts[name] = (
            f"const {_variable(name)} = (() => {{\n{text}\nreturn {{{', '.join(exported)}}};\n}})();\n"
        )

    def text(self) -> str:
        """The script."""
        return "".join(self._texts.values())


def _taken(found: re.Match[str]) -> str:
    return f"const {{{found[1].replace(' as ', ': ')}}} = {_variable(found[2])};"


def _variable(name: str) -> str:
    return f"from_{re.sub(r'[^A-Za-z0-9]', '_', name)}"
