"""Tools for those who lead: plan projects, bring back what got stuck, see how it goes."""

from gitcoord.core.steps.project import ProjectStatus
from gitcoord.faces.mcp.tools.arguments import Argument
from gitcoord.faces.mcp.tools.step_tools import PROJECT, PROJECT_WORDS, STEP
from gitcoord.faces.mcp.tools.tool import Tool
from gitcoord.service.steps import projects, step_views, step_work

_REASON = Argument("reason", "string", required=True)
_NAME = Argument("name", "string", required=True, synonyms=PROJECT_WORDS)
_CHANGEABLE = (
    Argument("title", "string"),
    Argument("description", "string"),
    Argument("branch", "string"),
    Argument("scope", "string", "Such as api or ui."),
    Argument("priority", "integer", "Higher first; default 0."),
    Argument("depends_on", "integers", "Step numbers.", synonyms=("dependencies", "deps", "after")),
    Argument("paths", "strings", "Claimed with the step.", synonyms=("files", "patterns")),
)
_STEPS = Argument(
    "steps",
    "objects",
    "Each with step_num and branch; no cycles.",
    required=True,
    fields=(Argument("step_num", "integer", required=True, minimum=1, synonyms=("num", "number")), *_CHANGEABLE),
)

TOOLS = (
    Tool(
        "create_project",
        "Create a project",
        "Cut work into steps that depend on each other and publish it for all agents. Created whole or not at all; a "
        "mistake in the plan is named.",
        projects.create_project,
        (
            Argument("name", "string", "Letters, digits, '.', '_', '-'.", required=True, synonyms=PROJECT_WORDS),
            Argument("base_commit", "string", "Such as HEAD.", required=True, synonyms=("base", "commit")),
            _STEPS,
            Argument("description", "string"),
            Argument("stale_minutes", "integer", "Silence before a step is taken over; default 15.", minimum=10),
        ),
        effect="writes",
        hint="plan work, split task into steps",
    ),
    Tool(
        "list_projects",
        "List projects",
        "List projects with counts, progress and last activity.",
        projects.list_projects,
        (Argument("status", "string", choices=tuple(ProjectStatus)),),
        effect="reads",
        hint="which projects exist",
        narrow="Narrow with status, or call get_project for one.",
    ),
    Tool(
        "add_steps",
        "Add steps",
        "Add steps to an active project; they may depend on any of its steps.",
        projects.add_steps,
        (Argument("project", "string", required=True, synonyms=("name", "project_name")), _STEPS),
        effect="writes",
        hint="extend the plan",
    ),
    Tool(
        "update_step",
        "Change a step",
        "Change a step that no one holds. What is left out stays.",
        step_work.update_step,
        (STEP, *_CHANGEABLE),
        hint="edit plan, dependencies, priority",
    ),
    Tool(
        "skip_step",
        "Skip a step",
        "Skip a step: it counts as settled, and its dependants become available.",
        step_work.skip_step,
        (STEP, _REASON),
        effect="ends",
        hint="step no longer needed",
    ),
    Tool(
        "abort_project",
        "Abort a project",
        "End a project: no more claims; running steps may still complete.",
        projects.abort_project,
        (_NAME, _REASON),
        effect="ends",
        hint="cancel project",
    ),
    Tool(
        "detect_stale_work",
        "Find stale work",
        "List held steps whose holder has been silent for timeout_minutes, with the evidence.",
        step_views.detect_stale_work,
        (Argument("timeout_minutes", "integer", "Default 15.", minimum=1, synonyms=("stale_minutes", "minutes")),),
        effect="reads",
        hint="crashed or stuck agents",
        narrow="Raise timeout_minutes.",
    ),
    Tool(
        "recover_step",
        "Recover a step",
        "Make a step available again, with what was done so far: a failed one, your own, or one whose holder is gone; "
        "a live holder's only with force.",
        step_work.recover_step,
        (STEP, Argument("force", "boolean", "Take it from a live holder.")),
        effect="ends",
        hint="retry, release crashed agent's step",
    ),
    Tool(
        "get_metrics",
        "Metrics",
        "Return counts, durations, throughput, attempts and hours left, by scope and agent.",
        step_views.get_metrics,
        (PROJECT, Argument("agent_id", "string", "Only this agent.", synonyms=("agent",))),
        effect="reads",
        hint="statistics, estimate, throughput",
        narrow="Narrow with project or agent_id.",
    ),
    Tool(
        "get_agent_events",
        "Events",
        "List what happened, newest first: time, agent, event, step, outcome, commit.",
        step_views.get_agent_events,
        (
            Argument("agent_id", "string", "Only this agent and its sub-agents.", synonyms=("agent",)),
            PROJECT,
            Argument("limit", "integer", "Default 100.", minimum=1),
        ),
        effect="reads",
        hint="history, audit, who did what",
        narrow="Narrow with agent_id, project or limit.",
    ),
)
