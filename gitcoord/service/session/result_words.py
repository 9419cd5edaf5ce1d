"""Results in words: what a service returned, each text of it as one face says it.

What this file does not know: what a face makes of a text, and which results there are.
"""

from collections.abc import Callable, Mapping

from gitcoord.core.documents.json_text import Json


def in_words(result: Mapping[str, Json], word: Callable[[str, str], str]) -> dict[str, Json]:
    """Return a result with every text in it as `word` makes it of the name of its field ("" in a list) and itself."""

    def within(name: str, value: Json) -> Json:
        if isinstance(value, dict):
            return in_words(value, word)
        if isinstance(value, list):
            return [within("", item) for item in value]
        return word(name, value) if isinstance(value, str) else value

    return {name: within(name, value) for name, value in result.items()}
