"""Opening the runs of the folder that is viewed: what a request names is looked for among what is there."""

from __future__ import annotations

from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request

from graph.store.connection import DATABASE
from graph.store.reading import RunReader


class RunsFolder:
    """The folder whose runs are viewed."""

    def __init__(self, path: Path) -> None:
        """View the runs in a folder.

        Args:
            path: Holds the runs' folders.
        """
        self.path = path

    def folder(self, name: str) -> Path:
        """The folder of a run.

        No path is made of the name: it has to be that of an entry of the folder.

        Raises:
            HTTPException: 404, there is no such run, or it is a link to another place.
        """
        for database in self.path.glob(f"*/{DATABASE}"):
            if database.parent.name == name and self.holds(database.parent):
                return database.parent
        raise HTTPException(404, "There is no such run in this folder.")

    def holds(self, folder: Path) -> bool:
        """Whether a run's files really lie in the folder: one unpacked from an archive may link elsewhere."""
        return (folder / DATABASE).resolve().is_relative_to(self.path.resolve())


def runs_folder(request: Request) -> RunsFolder:
    """The folder that the application views."""
    folder: RunsFolder = request.app.state.runs
    return folder


def open_run(request: Request) -> RunReader:
    """Open the run that a request's path names; a context manager.

    Raises:
        HTTPException: 404, there is no such run.
        StoreError: It cannot be read.
    """
    return RunReader(runs_folder(request).folder(request.path_params["run"]))
