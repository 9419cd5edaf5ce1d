"""The policy as a person sets it: what a word means, and that a `Policy` takes the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitcoord.core.documents.policy import Policy
from gitcoord.errors import DocumentError, InvalidError
from gitcoord.service.inputs import mistakes
from gitcoord.service.inputs.policy_input import PolicyInput, value_of
from gitcoord.service.team.policy import fields


def test_the_fields_and_their_defaults_are_those_of_a_policy() -> None:
    assert PolicyInput().model_dump() == {name: getattr(Policy(), name) for name in fields()}


@pytest.mark.parametrize(
    ("name", "word", "value"),
    [
        ("auto_recover", "false", False),
        ("require_pushed", "auto", None),
        ("require_pushed", "true", True),
        ("max_claim_files", "20", 20),
        ("max_claim_ratio", "1", 1.0),
        ("idle_minutes", "0", 0),
        ("claim_scope", "20", "20"),
        ("claim_scope", "auto", "auto"),
        ("pre_commit", "refuse", "refuse"),
    ],
)
def test_a_word_is_read_as_what_its_field_has(name: str, word: str, value: object) -> None:
    read = value_of(name, word)

    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize(
    ("name", "word", "problem"),
    [
        ("auto_recover", "yes", "auto_recover is 'yes'; it has to be true or false."),
        ("require_pushed", "maybe", "require_pushed is 'maybe'; it has to be true or false, or auto."),
        ("max_claim_files", "-1", "max_claim_files is '-1'; it has to be a whole number from 0 to 1000000."),
        ("max_claim_files", "true", "max_claim_files is true; it has to be a whole number from 0 to 1000000."),
        (
            "max_claim_files",
            "9" * 5000,
            f"max_claim_files is '{'9' * 40}…'; it has to be a whole number from 0 to 1000000.",
        ),
        ("max_claim_ratio", "NaN", "max_claim_ratio is 'nan'; it has to be a number from 0 to 1."),
        ("pre_commit", "x", "pre_commit is 'x'; it is warn or refuse."),
        ("idle_minutes", "5", "idle_minutes must be 0, for never, or at least 10."),
    ],
)
def test_what_a_field_cannot_be_is_named_with_what_it_can(name: str, word: str, problem: str) -> None:
    with pytest.raises(InvalidError) as caught:
        value_of(name, word)

    assert str(caught.value) == problem
    assert caught.value.hint


_VALUES = (
    st.none()
    | st.booleans()
    | st.integers(-2, 1_000_002)
    | st.floats()
    | st.sampled_from(["warn", "refuse", "private"])
)


@given(st.sampled_from(fields()), _VALUES)
def test_what_a_person_may_set_is_what_a_policy_takes(name: str, value: bool | float | str | None) -> None:
    set_by_hand, _ = mistakes.check(PolicyInput, {name: value}, lambda _: None)

    try:
        Policy.parse({name: value})
    except DocumentError:
        assert set_by_hand is None
    else:
        is_too_short = name == "idle_minutes" and value in range(1, 10)  # an older version may have written it
        assert (set_by_hand is None) == is_too_short
