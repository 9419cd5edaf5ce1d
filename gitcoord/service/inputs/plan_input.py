"""Plans as people write them down, in YAML, JSON or a Markdown task list: the model of a plan file.

    name: myapp
    steps:
      - {step_num: 1, title: Data model, branch: feat/model}
      - {step_num: 2, title: API, scope: api, depends_on: [1]}

Nothing here decides whether a plan is a good one; that is `gitcoord.core.steps.rules.plan`.
"""

from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field

from gitcoord.core.documents import limits
from gitcoord.core.documents.liveness import LIMIT_MINUTES_MIN
from gitcoord.core.documents.names import branch_name, project_name
from gitcoord.core.steps.rules.plan import NUMBER_MAX, PRIORITY_MAX, STALE_MINUTES_MAX
from gitcoord.service.inputs.mistakes import Input, Text, by, pattern

_StepNumber = Annotated[int, Field(ge=1, le=NUMBER_MAX, title="step number")]
_Path = Annotated[Text, AfterValidator(pattern)]


class StepInput(Input):
    """A step: one piece of work."""

    model_config = ConfigDict(title="step")

    step_num: Annotated[int, Field(ge=1, le=NUMBER_MAX, description="Number the steps from 1.")]
    title: Annotated[Text | None, Field(description="What is to be done, in a line.")] = None
    description: Annotated[Text | None, Field(description="All that its worker needs to know.")] = None
    branch: Annotated[
        Annotated[Text, by(branch_name)] | None,
        Field(description="Where the work is done, for example 'feat/login'; called by the step's id if left out."),
    ] = None
    scope: Annotated[Text | None, Field(description="A part of the project, by which agents choose their steps.")] = (
        None
    )
    depends_on: Annotated[
        list[_StepNumber] | None,
        Field(
            max_length=limits.STEP_DEPENDENCIES,
            description="The numbers of the steps that have to be done before.",
            examples=[[1, 2]],
        ),
    ] = None
    paths: Annotated[
        list[_Path] | None,
        Field(
            max_length=limits.STEP_PATHS,
            description="A path is a pattern from the repository's root, like src/auth/** or docs/*.md.",
            examples=[["src/auth/**"]],
        ),
    ] = None
    priority: Annotated[
        int | None, Field(ge=-PRIORITY_MAX, le=PRIORITY_MAX, description="Higher comes first; 0 if left out.")
    ] = None


_Steps = Annotated[
    list[StepInput],
    Field(
        min_length=1,
        max_length=limits.STEPS,
        description="Write 'steps:' with a list of {step_num, title, …}.",
    ),
]


class PlanInput(Input):
    """A plan is a mapping with 'name' and 'steps'."""

    model_config = ConfigDict(title="plan")

    name: Annotated[
        Annotated[Text, by(project_name)] | None, Field(description="The name of the project, such as myapp.")
    ] = None
    base_commit: Annotated[Text | None, Field(description="Where the work starts; HEAD if left out.")] = None
    description: Annotated[Text | None, Field(description="What the project is for.")] = None
    stale_minutes: Annotated[
        int | None,
        Field(
            ge=LIMIT_MINUTES_MIN,
            le=STALE_MINUTES_MAX,
            description="How long a holder may be silent. Two clocks may differ by ten minutes; 15 is the default.",
        ),
    ] = None
    steps: _Steps
