"""Spelling: what a caller that named something that is not there has probably meant."""

from collections.abc import Iterable
from difflib import get_close_matches

LIKENESS_MIN = 0.65  # difflib's own default, 0.6, takes `extra` for `texts`
WORD_CHARS_MAX = 100  # comparing costs the product of two lengths; no name of ours is longer


def did_you_mean(word: str, words: Iterable[str]) -> str:
    """Return a question that begins a hint, with a blank behind it; nothing where no word is near."""
    near = nearest(word, words)
    return f"Did you mean {near!r}? " if near else ""


def nearest(word: str, words: Iterable[str]) -> str | None:
    """Return the word that is near; `None` where there is none."""
    near = get_close_matches(word[:WORD_CHARS_MAX].lower(), list(words), 1, LIKENESS_MIN)
    return near[0] if near else None
