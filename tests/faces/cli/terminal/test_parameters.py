"""A value that is one already is read as typer reads it, and all others are typer's."""

from enum import StrEnum
from typing import Annotated, Any

import pytest
import typer

from gitcoord.faces.cli.terminal import parameters

HELP = ["-h", "--help"]


class Size(StrEnum):
    SMALL = "small"
    LARGE = "large"


def read(words: list[str], *, is_light: bool) -> dict[str, Any] | str:
    """Return what a command gets of the words, or how typer refuses them."""
    got = dict[str, Any]()
    root = typer.Typer(context_settings={"help_option_names": HELP}, add_completion=False)

    @root.command()
    def each(  # the kinds of parameters that ours have
        *,
        first: Annotated[str, typer.Argument()],
        rest: Annotated[list[str] | None, typer.Argument()] = None,
        text: Annotated[str | None, typer.Option()] = None,
        texts: Annotated[list[str] | None, typer.Option()] = None,
        sizes: Annotated[list[Size] | None, typer.Option()] = None,
        size: Annotated[Size, typer.Option()] = Size.SMALL,
        count: Annotated[int, typer.Option(min=1, max=5)] = 3,
        hours: Annotated[float | None, typer.Option()] = None,
        share: Annotated[float, typer.Option()] = 0.5,
        flag: Annotated[bool, typer.Option("--flag/--no-flag")] = True,
    ) -> None:
        got.update(locals())

    command = typer.main.get_command(root)
    if is_light:
        parameters.lighten(command, HELP)
    try:
        command.main(args=words, prog_name="each", standalone_mode=False)
    except typer.TyperException as error:
        return error.format_message()
    return {name: value for name, value in got.items() if name != "got"}


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["a"],
        ["a", "b", "c", "--text", "", "--texts", "x", "--texts", "y", "--no-flag"],
        ["a", "--hours", "2", "--share", "0.25", "--count", "5", "--size", "large", "--sizes", "small"],
        ["a", "--hours", "two"],
        ["a", "--count", "6"],
        ["a", "--count", "1.5"],
        ["a", "--size", "huge"],
        ["a", "--sizes", "huge"],
        ["a", "--text"],
        ["a", "--unknown"],
        ["ö", "\u2028", "--text", "\U0001f600"],
        ["\udcff", "--text", "\udcff"],
        ["a", "\udcff", "--texts", "\udcff"],
    ],
    ids=" ".join,
)
def test_a_command_gets_what_typer_alone_would_give_it(words: list[str]) -> None:
    expected = read(words, is_light=False)

    found = read(words, is_light=True)

    assert found == expected
    assert _kinds(found) == _kinds(expected)


def _kinds(found: dict[str, Any] | str) -> dict[str, type]:
    return {name: type(value) for name, value in found.items()} if isinstance(found, dict) else {}
