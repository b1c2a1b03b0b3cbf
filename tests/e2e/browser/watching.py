"""What must never happen in a page of the viewer, whatever a test does with it."""

from __future__ import annotations

from playwright.sync_api import ConsoleMessage, Dialog, Frame, Page, Request, Response

_VIOLATIONS = """
addEventListener("securitypolicyviolation", (event) =>
  console.error(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
"""


class Watch:
    """Notes errors of scripts, violations of the policy, answers of faults, and whatever leads elsewhere.

    Attributes:
        troubles: What went wrong, in order.
    """

    def __init__(self, page: Page, origin: str) -> None:
        self.troubles: list[str] = []
        self._origin = origin
        page.add_init_script(_VIOLATIONS)
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.troubles.append(f"script: {error}"))
        page.on("dialog", self._asked)
        page.on("popup", lambda opened: self.troubles.append(f"window: {opened.url}"))
        page.on("request", self._requested)
        page.on("response", self._answered)
        page.on("framenavigated", self._navigated)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.troubles.append(f"console: {message.text}")

    def _asked(self, dialog: Dialog) -> None:
        self.troubles.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _requested(self, request: Request) -> None:
        if not request.url.startswith(f"{self._origin}/"):
            self.troubles.append(f"request: {request.url}")

    def _answered(self, response: Response) -> None:
        if response.status >= 500:
            self.troubles.append(f"answer {response.status}: {response.url}")

    def _navigated(self, frame: Frame) -> None:
        if frame.parent_frame is not None:
            self.troubles.append(f"frame: {frame.url}")
