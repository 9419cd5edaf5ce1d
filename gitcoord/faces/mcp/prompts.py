"""Prompts: what a person picks in the tool's menu, to begin or to hand over."""

from collections.abc import Mapping

import mcp_types as types
from mcp.shared.exceptions import MCPError

PROMPTS = [
    types.Prompt(
        name="start-work",
        title="Start work",
        description="Take a step and work on it until it is handed in.",
        arguments=[
            types.PromptArgument(name="project", description="Only steps of this project.", required=False),
            types.PromptArgument(name="scope", description="Only steps of this scope, such as api.", required=False),
        ],
    ),
    types.Prompt(
        name="hand-over",
        title="Hand over",
        description="Leave the present step so that another agent can go on with it.",
        arguments=[
            types.PromptArgument(name="step_id", description="The step; default: all of yours.", required=False)
        ],
    ),
]

_START = """\
Take one step of the shared plan and finish it.
1. Call claim_step({arguments}). If step is null, tell me why and stop.
2. Begin on the branch and from the commits that the answer names.
3. Do what the step's title and description ask, within its paths, with tests.
4. Commit, push the branch, and call complete_step with the commit and notes for the agents that build on it.
5. Tell me what was done and what became available."""

_HAND_OVER = """\
Hand over {step} so that another agent can go on without asking.
1. Commit what there is on the step's branch, also if it is unfinished, and push it.
2. If it is finished: complete_step with that commit. If not: fail_step with a reason that says what is done, what is \
left, what you tried, and which commit to start from.
3. Tell me in a few sentences where it stands, and that a failed step is taken up by its id: claim_step(step_id=…)."""


def prompt(name: str, arguments: Mapping[str, str]) -> types.GetPromptResult:
    """Return a prompt, filled in.

    Raises:
        MCPError: there is no such prompt, or it has no such argument.
    """
    known = {prompt.name: [argument.name for argument in prompt.arguments or []] for prompt in PROMPTS}
    if name not in known:
        raise MCPError(types.INVALID_PARAMS, f"There is no prompt {name[:60]!r}; there are {', '.join(known)}.")
    unknown = [argument for argument in arguments if argument not in known[name]]
    if unknown:
        message = f"{name} has no argument {unknown[0][:60]!r}; it has {', '.join(known[name])}."
        raise MCPError(types.INVALID_PARAMS, message)
    if name == "hand-over":
        step = arguments.get("step_id")
        wording = _HAND_OVER.format(step=f"step {step!r}" if step else "every step that you hold")
    else:
        wording = _START.format(arguments=", ".join(f"{key}={value!r}" for key, value in arguments.items() if value))
    text = types.TextContent(type="text", text=wording)
    return types.GetPromptResult(messages=[types.PromptMessage(role="user", content=text)])
