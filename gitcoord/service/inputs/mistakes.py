"""Mistakes: what pydantic finds wrong with what a person wrote, with its line and in our words.

Rules:
  * A mistake names the field, what it is, and what it has to be. What it has to be is read from the JSON Schema of the
    model, which editors go by too. pydantic's own words never reach a person.
  * All mistakes of a file are found, and shown in the order of their lines.
  * A field with nothing behind it is left out.

What this file does not know: which kinds of files there are.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, ClassVar, TypeVar, cast

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, ValidationError
from pydantic.json_schema import GenerateJsonSchema

from gitcoord.core.documents import limits
from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.names import shown
from gitcoord.core.documents.spelling import nearest
from gitcoord.core.patterns import path_pattern
from gitcoord.errors import InvalidError
from gitcoord.service.inputs.yaml_text import Path, Scalar

MISTAKES_MAX = 50
_FOUND_MAX = 1_000  # that are put in order; a hostile file has one in every second byte
SAID_MAX = 6  # mistakes in one error; more do not fit on a screen
_NUMBER_BITS = 64  # beyond, Python may refuse to write a number in decimal digits
_SHOWN_OF = 1_000  # characters that are looked at to show forty: a text may have millions
_UNKNOWN = frozenset({"extra_forbidden", "invalid_key"})
_EMPTY = frozenset({"missing", "too_short"})
_Model = TypeVar("_Model", bound="Input")
Lines = Callable[[Path], int | None]
Part = Mapping[str, Any]
"""A part of a JSON Schema."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong in a line, counted from 1: a sentence without its full stop. `is_unknown`: of a field's name."""

    line: int | None
    problem: str
    hint: str = ""
    is_unknown: bool = False


class _Schema(GenerateJsonSchema):
    """A schema whose titles are only those that a model gives: a title is the word for one of its values."""

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002 - pydantic's signature
        return False

    def default_schema(self, schema: Any) -> dict[str, Any]:  # noqa: ANN401 - pydantic's signature
        is_left_out = schema.get("default") is None  # what is left out has no value to show
        return self.generate_inner(schema["schema"]) if is_left_out else super().default_schema(schema)


class Input(BaseModel):
    """What a person wrote. Nothing is read as another type than it is, and no field is passed over."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)
    unknown_is_mistake: ClassVar[bool] = True


Text = Annotated[str, StringConstraints(max_length=limits.TEXT_CHARS)]


class WrongError(ValueError):
    """What a rule of ours says of a value, with what to do."""

    def __init__(self, error: InvalidError) -> None:
        """Keep the hint."""
        super().__init__(str(error))
        self.hint = error.hint


def pattern(text: str) -> str:
    """Return a text that is a pattern of paths.

    Raises:
        PatternError: it is none.
    """
    _ = path_pattern.canonical(text)
    return text


def by(rule: Callable[[str], object]) -> AfterValidator:
    """Return a check of a text by a rule that raises `InvalidError`."""

    def validate(text: str) -> str:
        try:
            _ = rule(text)
        except InvalidError as error:
            raise WrongError(error) from None
        return text

    return AfterValidator(validate)


@cache
def schema_of(model: type[BaseModel]) -> dict[str, Json]:
    """Return the JSON Schema of a kind of file."""
    return model.model_json_schema(schema_generator=_Schema)


def check(
    model: type[_Model], value: object, lines: Lines, twice: Iterable[tuple[Path, int | None]] = ()
) -> tuple[_Model | None, list[Mistake]]:
    """Return what a person wrote, where nothing is wrong with it, and all that is. `twice`: keys that are."""
    reader = _Reader(model, value)
    mistakes = [Mistake(line, f"{reader.key(path)} is given twice") for path, line in twice]
    written = None
    try:
        written = model.model_validate(value)
    except ValidationError as error:
        mistakes += reader.mistakes(cast("list[Mapping[str, Any]]", error.errors(include_url=False)), lines)
    mistakes.sort(key=lambda mistake: mistake.line or 0)
    return None if mistakes else written, mistakes


def as_error(name: str, mistakes: Iterable[Mistake], more: str = "") -> InvalidError:
    """Return the error of a file with mistakes: the first is the sentence, the others are in the hint."""
    first, *others = mistakes
    said = [located(name, mistake) for mistake in others[: SAID_MAX - 1]]
    rest = ["There are more."] if len(others) > len(said) else []
    return InvalidError(located(name, first), hint=" ".join([*said, *rest] or [first.hint or more]))


def located(name: str, mistake: Mistake) -> str:
    """Return a mistake as a sentence."""
    where = f"{name}:{mistake.line}" if mistake.line else name
    return f"{where}: {mistake.problem}."


def named(value: object) -> str:
    """Return a value as a sentence shows it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and value.bit_length() > _NUMBER_BITS:
        return f"a number of {value.bit_length()} bits"
    if isinstance(value, str | int | float | Scalar):
        return shown(str(value)[:_SHOWN_OF], 40)
    if value is None:
        return "nothing"
    return {"dict": "a mapping"}.get(type(value).__name__, f"a {type(value).__name__}")


class _Reader:
    """A value with mistakes, beside the schema of what it should be."""

    def __init__(self, model: type["Input"], value: object) -> None:
        self._schema: Part = schema_of(model)
        self._is_closed = model.unknown_is_mistake
        self._value = value

    def mistakes(self, found: Sequence[Mapping[str, Any]], lines: Lines) -> Iterator[Mistake]:
        """Yield what pydantic found; what is missing because its name is misspelt only as that."""
        unknown = [details for details in found if details["type"] in _UNKNOWN][:_FOUND_MAX]
        names: list[Path] = [details["loc"] for details in unknown]
        meant: set[tuple[str, tuple[object, ...]]] = set()
        if self._is_closed:
            meant = {("missing", (*path[:-1], nearest(str(path[-1]), self._fields(path[:-1])))) for path in names}
        others = [
            details
            for details in found
            if details["type"] not in _UNKNOWN and (details["type"], details["loc"]) not in meant
        ]
        for details in [*unknown, *others[:_FOUND_MAX]]:
            path, kind = details["loc"], details["type"]
            problem, hint = self._problem(path, kind, details["input"], details.get("ctx", {}).get("error"))
            yield Mistake(lines(path), problem, hint, kind in _UNKNOWN)

    def key(self, path: Path) -> str:
        """Return how a sentence calls a key: `module 'auth'`, or `'name'`."""
        part = self._part(path)
        return self._owner(path) if "title" in part and part.get("type") == "object" else shown(str(path[-1]), 40)

    def _problem(self, path: Path, kind: str, value: object, error: Exception | None) -> tuple[str, str]:
        part = self._part(path)
        hint = str(part.get("description", ""))
        if not path:
            return hint[:1].lower() + hint[1:].rstrip("."), ""
        if kind in _UNKNOWN:
            return self._unknown(path)
        if kind in _EMPTY or (value is None and isinstance(path[-1], str)):
            return self._empty(path, part), hint
        if kind == "too_long" and isinstance(value, list):
            count = len(cast("list[object]", value))
            return f"{path[-1]} has {count} {_noun(part['items'])}s; {part['maxItems']} is the most", hint
        if kind == "string_unicode":
            return f"{_field(path)} has half of a character, {named(value)}, which cannot be written", hint
        if error is not None:
            return str(error).rstrip("."), getattr(error, "hint", "") or hint
        return self._other(path, part, value), hint

    def _unknown(self, path: Path) -> tuple[str, str]:
        name, fields = str(path[-1])[:_SHOWN_OF], self._fields(path[:-1])
        what = f"{self._owner(path[:-1])} has" if len(path) > 1 else "there is"
        near = nearest(name, fields)
        meant = f"; perhaps {near!r} is meant" if near else ""
        return f"{what} an unknown field {shown(name, 40)}{meant}", f"The fields are {', '.join(fields)}."

    def _fields(self, path: Path) -> Mapping[str, object]:
        return self._part(path).get("properties", {})

    def _empty(self, path: Path, part: Part) -> str:
        if part.get("type") == "object" and "title" in part:
            return f"{self._owner(path)} has no {part['required'][0]}"
        if len(path) == 1 and part.get("type") in ("array", "object"):
            return f"there are no {path[0]}"
        return f"{self._owner(path[:-1])} has no {path[-1]}"

    def _other(self, path: Path, part: Part, value: object) -> str:
        field = _field(path)
        if part.get("type") == "object":
            subject = field if "title" not in part else self._owner(path) if path[-1] == field else f"a {part['title']}"
            return f"{subject} is {_words(part, value)}, not {named(value)}"
        if path[-1] != field:
            whole = self._part(path[:-1])
            advice = "put it in quotes" if part.get("type") == "string" else f"{field} is {_words(whole, value)}"
            return f"{field} has {named(value)} where a {_noun(part)} is due; {advice}"
        if part.get("type") == "array":
            return f"{field} is {_words(part, value)}, not {named(value)}"
        return f"{field} is {named(value)}; it {'is' if 'enum' in part else 'has to be'} {_words(part, value)}"

    def _owner(self, path: Path) -> str:
        """Return how a sentence calls what holds a field: `module 'auth'`, `step 3`, `the plan`."""
        part = self._part(path)
        title = part.get("title", "file")
        if path and isinstance(path[-1], str):
            return f"{title} {shown(path[-1], 40)}"
        value: Any = self._value
        for word in path:
            value = value[word]
        number: Any = value.get(part["required"][0]) if path else None
        return f"{title} {number}" if isinstance(number, int) and not isinstance(number, bool) else f"the {title}"

    def _part(self, path: Path) -> Part:
        """Return what the schema says of a part of the value."""
        part = self._resolved(self._schema)
        for word in path:
            part = part.get("properties", {}).get(word) or part.get("additionalProperties") or part.get("items", {})
            part = self._resolved(part)
        return part

    def _resolved(self, part: Part) -> Part:
        """Return a part with what it refers to, as if it could not be left out."""
        if "anyOf" in part:
            part = {**part, **next(choice for choice in part["anyOf"] if choice.get("type") != "null")}
        if "$ref" in part:
            part = {**self._schema["$defs"][part["$ref"].rpartition("/")[2]], **part}
        if "items" in part:
            part = {**part, "items": self._resolved(part["items"])}
        return part


def _field(path: Path) -> str:
    """Return the last name on the way to a part, which an item of a list has not."""
    return next((word for word in reversed(path) if isinstance(word, str)), "")


def _words(part: Part, value: object) -> str:
    """Return what a value has to be."""
    kind = part.get("type")
    if "enum" in part:
        return " or ".join(part["enum"])
    if kind == "array":
        example = f", such as {part['examples'][0]}" if "examples" in part else ""
        return f"a list of {_noun(part['items'])}s{example}"
    if kind == "object":
        names = [repr(name) for name in part.get("required", ())]
        return f"a mapping with {' and '.join(names)}" if names else "a mapping of names"
    if kind == "string":
        is_long = isinstance(value, str) and "maxLength" in part
        return f"text of at most {part['maxLength']} characters" if is_long else "text; put it in quotes"
    if kind == "boolean":
        return "true or false"
    span = f" from {part['minimum']} to {part['maximum']}" if "minimum" in part and "maximum" in part else ""
    return f"a {'whole ' if kind == 'integer' else ''}number{span}"


def _noun(part: Part) -> str:
    return str(part.get("title") or {"string": "text", "integer": "whole number"}.get(str(part.get("type")), "value"))
