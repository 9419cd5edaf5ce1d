"""Tools for those who work on steps: take one, say how it goes, hand it in, look around."""

from gitcoord.faces.mcp.arguments import Argument
from gitcoord.faces.mcp.tool import Tool
from gitcoord.service import projects, reading, steps

AGENT = Argument("agent_id", "string", "Name of a sub-agent, if one acts.", alias="engineer")
STEP = Argument("step_id", "string", "'<project>/<num>'.", required=True)
PROJECT = Argument("project", "string")
SCOPE = Argument("scope", "string", "Such as api or ui.")

TOOLS = (
    Tool(
        "claim_step",
        "Claim a step",
        "Take one step to work on, atomically across all clones: the most urgent one available, or a given one, also "
        "to retry a failed one. Yours so far is given back. Returns step with its branch and base[], the commits to "
        "start from; or step:null and why.",
        steps.claim_step,
        (PROJECT, SCOPE, Argument("step_id", "string", "This step only."), AGENT),
        effect="writes",
        for_workers=True,
    ),
    Tool(
        "start_step",
        "Start a step",
        "Say that work on your claimed step has begun. Optional; others see it.",
        steps.start_step,
        (STEP, Argument("worktree", "string", "Default: this one."), AGENT),
        hint="begin step",
        for_workers=True,
    ),
    Tool(
        "complete_step",
        "Complete a step",
        "Hand in your step with the commit of its work, committed and pushed on the step's branch. Returns unblocked[] "
        "steps and warnings.",
        steps.complete_step,
        (
            STEP,
            Argument("commit_hash", "string", "Any name git knows.", required=True),
            Argument("files_modified", "strings", "Default: read from git."),
            Argument("notes", "string", "For whoever builds on it."),
            AGENT,
        ),
        for_workers=True,
    ),
    Tool(
        "get_available_steps",
        "Available steps",
        "List steps that can be claimed now, most urgent first. To take one call claim_step.",
        reading.get_available_steps,
        (PROJECT, SCOPE, Argument("limit", "integer", minimum=1)),
        effect="reads",
        hint="which steps are ready",
        narrow="Narrow with project, scope or limit.",
        for_workers=True,
    ),
    Tool(
        "fail_step",
        "Give a step up",
        "Give your step up with the reason; what depends on it waits until somebody retries it.",
        steps.fail_step,
        (
            STEP,
            Argument("reason", "string", required=True),
            Argument("notes", "string", "For whoever goes on."),
            AGENT,
        ),
        hint="give up, blocked, cannot finish step",
        for_workers=True,
    ),
    Tool(
        "heartbeat",
        "Heartbeat",
        "Say that work goes on. Rarely needed: the server beats by itself. Without a step: all of yours, with those "
        "lost.",
        steps.heartbeat,
        (Argument("step_id", "string"), AGENT),
        hint="keep step alive, still working",
        for_workers=True,
    ),
    Tool(
        "get_step",
        "Show a step",
        "Return one step whole: text, dependencies, base[], holder and whether it is alive.",
        reading.get_step,
        (STEP,),
        effect="reads",
        hint="step details, who holds step",
        for_workers=True,
    ),
    Tool(
        "get_project",
        "Show a project",
        "Return a project with a page of its steps, counts, what is available, critical path and holders.",
        projects.get_project,
        (
            Argument("name", "string", required=True),
            Argument("offset", "integer", "Of the first step.", minimum=0),
            Argument("limit", "integer", minimum=1),
        ),
        effect="reads",
        hint="project progress, list of steps",
        narrow="Page with offset and limit.",
        paged="steps",
        for_workers=True,
    ),
)
