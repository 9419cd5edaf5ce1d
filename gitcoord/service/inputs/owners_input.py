"""Ownership rules as people write them down: the model of `owners.yaml` and `auto.yaml`, and what is wrong with one.

What passes here is read by `service/team/owners_file`. An unknown field is only a warning: a newer version has it.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, cast

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field

from gitcoord.service.inputs import mistakes, yaml_text
from gitcoord.service.inputs.mistakes import Input, Mistake, Text, pattern
from gitcoord.service.inputs.yaml_text import Node, YamlError

_MODULES = ("modules", "areas")

_Pattern = Annotated[Text, AfterValidator(pattern)]


def _listed(value: object) -> object:
    return [value] if isinstance(value, str | yaml_text.Scalar) else value


_Texts = Annotated[list[Text], BeforeValidator(_listed, json_schema_input_type=list[Text] | Text)]
_Patterns = Annotated[list[_Pattern], BeforeValidator(_listed, json_schema_input_type=list[_Pattern] | _Pattern)]


class ModuleInput(Input):
    """A part of the repository that has owners."""

    model_config = ConfigDict(title="module")
    unknown_is_mistake: ClassVar[bool] = False

    paths: Annotated[_Patterns, Field(min_length=1, description="Patterns from the root, such as [src/auth/**].")]
    owners: Annotated[
        _Texts | None, Field(description="People, or beginnings of agents' names; everyone's without any.")
    ] = None
    severity: Annotated[
        Literal["soft", "hard"] | None,
        Field(description="hard: a policy can refuse claims of others; soft if left out."),
    ] = None


_Modules = Annotated[
    dict[str, ModuleInput] | None, Field(description="Modules by name, each with its paths and owners.")
]


class OwnersInput(Input):
    """The rules are a mapping with 'modules', 'shared_files' and 'suggested_splits'."""

    model_config = ConfigDict(title="rules")
    unknown_is_mistake: ClassVar[bool] = False

    modules: _Modules = None
    areas: Annotated[_Modules, Field(description="Another word for modules.")] = None
    shared_files: Annotated[_Patterns | None, Field(description="Files that everyone changes.")] = None
    suggested_splits: Annotated[_Patterns | None, Field(description="Modules that should be split; shown only.")] = None


@dataclass(frozen=True, slots=True)
class Checked:
    """What is wrong with a text, and what is only odd. `root`: its nodes, so that no one has to parse it again."""

    faults: tuple[Mistake, ...] = ()
    warnings: tuple[Mistake, ...] = ()
    root: Node | None = None

    def passed(self, name: str) -> list[str]:
        """Return the warnings as sentences.

        Raises:
            InvalidError: something is wrong; the first is the sentence, others are in the hint.
        """
        if self.faults:
            raise mistakes.as_error(name, self.faults, "See `gitcoord owners check FILE`.")
        return [mistakes.located(name, warning) for warning in self.warnings]


def check(text: str, *, needs_modules: bool = True) -> Checked:
    """Return what is wrong with a text; `needs_modules`: it is people's file."""
    try:
        root = yaml_text.compose(text)
        count, value = yaml_text.items_of(root), yaml_text.plain(root)
    except YamlError as error:
        return Checked((Mistake(error.line, str(error)),))
    if count > yaml_text.ITEMS_MAX:
        return Checked((Mistake(1, f"there are more than {yaml_text.ITEMS_MAX} paths, owners and shared files"),))
    line = yaml_text.Places(root).line
    _, found = mistakes.check(OwnersInput, {} if value is None else value, line, yaml_text.twice_given(root))
    faults = [mistake for mistake in found if not mistake.is_unknown]
    named = [name for name in cast("dict[str, object]", value) if name in _MODULES] if isinstance(value, dict) else []
    if len(named) > 1:
        faults.append(Mistake(line((named[1],)), f"{named[1]!r} is given twice"))
    if needs_modules and not faults and not (named and cast("dict[str, object]", value)[named[0]]):
        todo = "there are no modules; write 'modules:' with a name, its paths and its owners"
        faults.append(Mistake(line((*named[:1],)), todo))
    faults.sort(key=lambda mistake: mistake.line or 0)
    warnings = tuple(mistake for mistake in found if mistake.is_unknown)
    return Checked(tuple(faults[: mistakes.MISTAKES_MAX]), warnings, root)
