"""`guidex models`."""

from __future__ import annotations

from typing import Annotated

import typer

from guidex.cli.options import AsJson


def list_(json: AsJson = False) -> None:
    """List the models known by name, and whether they are here."""
    from agents.llm.embedded import available_models, models_folder
    from guidex.cli.console import console, file_size, print_json, safe

    models = available_models()
    if json:
        print_json([model.model_dump(mode="json") for model in models])
        return
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("model", "size", "licence", "file"):
        table.add_column(column, overflow="fold")
    for model in models:
        place = safe(model.path) if model.path else "not pulled yet"
        table.add_row(model.name, file_size(model.size), model.licence, place)
    out = console()
    out.print(table)
    out.print(f"Kept in {safe(models_folder())}; GUIDEX_MODELS names another folder.")


def pull(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="local/smollm2-135m, or a hub's local/OWNER/REPO/FILE.gguf.")
    ],
    json: AsJson = False,
) -> None:
    """Fetch a model, check it and keep it; nothing is fetched that is here already."""
    from agents.llm import embedded
    from guidex.cli.console import print_json
    from guidex.cli.display import downloads_shown

    with downloads_shown() as told:
        path = embedded.pull(name, told)
    if json:
        print_json({"name": name, "path": str(path)})
    else:
        typer.echo(f"{name}: {path}")
