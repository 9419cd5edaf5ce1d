"""Tools for those who work on steps: take one, say how it goes, hand it in, look around."""

from gitcoord.faces.mcp.tools.arguments import Integer, Strings, Text, argument
from gitcoord.faces.mcp.tools.tool import Tool
from gitcoord.service.steps import projects, step_views, step_work

AGENT = {"agent_id": argument(Text, "Sub-agent's name.", also=("engineer", "agent"))}
STEP_WORDS = ("step", "id")
STEP = {"step_id": argument(Text, "'<project>/<num>'.", also=STEP_WORDS, required=True)}
PROJECT = {"project": argument(Text, also=("name", "project_name"))}
PROJECT_WORDS = ("project", "project_name")  # where it is called name
NOTES = ("note",)
SCOPE = {"scope": argument(Text, "Such as api or ui.")}

TOOLS = (
    Tool(
        "claim_step",
        "Claim a step",
        "Take one step, atomically across all clones: the most urgent available, or a given one, also a failed one. If "
        "you already hold a step, you get that one again. Returns step with branch and base[], and next_step, how to "
        "begin; or step:null and why.",
        step_work.claim_step,
        {**PROJECT, **SCOPE, "step_id": argument(Text, "This step only.", also=STEP_WORDS), **AGENT},
        effect="writes",
        smallest="work",
    ),
    Tool(
        "start_step",
        "Start a step",
        "Optional: report that work on your step has begun.",
        step_work.start_step,
        {**STEP, "worktree": argument(Text, "Default: this one."), **AGENT},
        hint="begin step",
        smallest="work",
    ),
    Tool(
        "complete_step",
        "Complete a step",
        "Hand in your step with the commit of its work, pushed on the step's branch. Returns unblocked[] and warnings.",
        step_work.complete_step,
        {
            **STEP,
            "commit_hash": argument(Text, "Any name git knows.", also=("commit", "sha"), required=True),
            "files_modified": argument(Strings, "Default: git's.", also=("files", "paths")),
            "notes": argument(Text, "For those who build on it.", also=NOTES),
            **AGENT,
        },
        smallest="work",
    ),
    Tool(
        "get_available_steps",
        "Available steps",
        "List steps you can claim now, most urgent first. Take one: claim_step.",
        step_views.get_available_steps,
        {**PROJECT, **SCOPE, "limit": argument(Integer, minimum=1)},
        effect="reads",
        hint="which steps are ready",
        narrow="Narrow with project, scope or limit.",
        smallest="work",
    ),
    Tool(
        "fail_step",
        "Give a step up",
        "Give up your step; its dependants wait until it is retried.",
        step_work.fail_step,
        {
            **STEP,
            "reason": argument(Text, required=True),
            "notes": argument(Text, "For the agent that continues.", also=NOTES),
            **AGENT,
        },
        hint="blocked, cannot finish step",
        smallest="work",
    ),
    Tool(
        "heartbeat",
        "Heartbeat",
        "Report that work goes on. Rarely needed: the server does it. Without step_id: all your steps, also those you "
        "lost.",
        step_work.heartbeat,
        {"step_id": argument(Text, also=STEP_WORDS), **AGENT},
        hint="keep step alive",
        smallest="work",
    ),
    Tool(
        "get_step",
        "Show a step",
        "Return a step: text, dependencies, base[], holder and whether the holder is alive.",
        step_views.get_step,
        {**STEP},
        effect="reads",
        hint="who holds step",
        smallest="work",
    ),
    Tool(
        "get_project",
        "Show a project",
        "Return a project: a page of its steps, counts, what is available, critical path and holders.",
        projects.get_project,
        {
            "name": argument(Text, also=PROJECT_WORDS, required=True),
            "offset": argument(Integer, "Of the first step.", minimum=0),
            "limit": argument(Integer, minimum=1),
        },
        effect="reads",
        hint="project progress, list of steps",
        narrow="Page with offset and limit.",
        paged="steps",
        smallest="work",
    ),
)
