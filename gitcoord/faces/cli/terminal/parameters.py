"""Options and arguments whose value is one already: they are read without pydantic.

typer hands each value to pydantic, also a text that is to be a text, and pydantic takes longer to load than all else
that `claim add` needs. Most values of ours are texts or defaults.

Rules:
  * A text, texts, and a default of the right type stay what they are. What has to be converted, checked against bounds
    or refused is typer's: it has the words for it.

What this file does not know: which options there are, what they mean.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import typer
from typer.core import TyperArgument, TyperOption


def lighten(command: Any, help_options: Sequence[str]) -> None:  # noqa: ANN401 - typer's own types are private
    """Have the parameters of a command, and of those below it, read by themselves what is a value already."""
    parameters: list[Any] = command.get_params(typer.Context(command, help_option_names=[*help_options]))
    for parameter in parameters:
        # typer takes a class of ours for a command, and none for its parameters, which it makes by itself.
        parameter.__class__ = _LIGHT[type(parameter)]
    for below in getattr(command, "commands", {}).values():
        lighten(below, help_options)


class _Reader:
    """Reads the values of one parameter: by itself, or else as typer does."""

    def __init__(self, annotation: object, typers: Callable[[], Any]) -> None:
        self._annotation = annotation
        self._typers = typers

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:  # noqa: ANN401 - as above
        is_one = not param.multiple and param.nargs == 1
        if value is None:
            return None if is_one else ()
        if not is_one and self._annotation == list[str] and all(_is(str, text) for text in value):
            return list(value)
        is_value = is_one and _is(self._annotation, value)
        return value if is_value else self._typers().coerce(value, param=param, ctx=ctx)


def _is(kind: Any, value: object) -> bool:  # noqa: ANN401 - an annotation, such as `str`
    """Whether a value is of a type; bytes of a command line that are no UTF-8 make a text that cannot be written."""
    return type(value) is kind and not (isinstance(value, str) and re.search("[\ud800-\udfff]", value))


class _Option(TyperOption):
    def get_runtime_param(self) -> Any:  # noqa: ANN401 - as above
        return _Reader(self.type_descriptor.annotation, super().get_runtime_param)


class _Argument(TyperArgument):
    def get_runtime_param(self) -> Any:  # noqa: ANN401 - as above
        return _Reader(self.type_descriptor.annotation, super().get_runtime_param)


_LIGHT: Mapping[Any, type] = {TyperOption: _Option, TyperArgument: _Argument, _Option: _Option, _Argument: _Argument}
