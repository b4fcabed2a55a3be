"""``nimwrap images``: the sub-commands around finished images, each in its own file."""

from __future__ import annotations

import typer

from nimwrap.cli.verbs import (
    images_contents,
    images_copies,
    images_drill,
    images_exclude,
    images_list,
    images_manage,
    images_plan,
    images_prune,
    images_verify,
)


def register(app: typer.Typer) -> None:
    images = typer.Typer(help="Images: list, verify, prune, pin, adopt, copy, plan a restore.", rich_markup_mode=None)
    images.callback()(_images)
    for part in (
        images_list,
        images_verify,
        images_prune,
        images_manage,
        images_plan,
        images_copies,
        images_contents,
        images_drill,
        images_exclude,
    ):
        part.register(images)
    app.add_typer(images, name="images")


def _images() -> None:
    """Images: list, verify, prune, pin, adopt, copy, plan a restore."""
