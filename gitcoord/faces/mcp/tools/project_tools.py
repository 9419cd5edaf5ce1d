"""Tools for those who lead: plan projects, bring back what got stuck, see how it goes."""

from gitcoord.core.steps.project import ProjectStatus
from gitcoord.faces.mcp.tools.arguments import Boolean, Integer, Integers, Strings, Text, argument, choice, objects
from gitcoord.faces.mcp.tools.step_tools import PROJECT, PROJECT_WORDS, STEP
from gitcoord.faces.mcp.tools.tool import Tool
from gitcoord.service.steps import projects, step_views, step_work

_REASON = {"reason": argument(Text, required=True)}
_CHANGEABLE = {
    "title": argument(Text),
    "description": argument(Text),
    "branch": argument(Text),
    "scope": argument(Text, "Such as api or ui."),
    "priority": argument(Integer, "Higher first; default 0."),
    "depends_on": argument(Integers, "Step numbers.", also=("dependencies", "deps", "after")),
    "paths": argument(Strings, "Claimed with the step.", also=("files", "patterns")),
}
_STEP = {"step_num": argument(Integer, also=("num", "number"), required=True, minimum=1), **_CHANGEABLE}
_STEPS = {"steps": argument(objects(_STEP), "Each with step_num and branch; no cycles.", required=True)}

TOOLS = (
    Tool(
        "create_project",
        "Create a project",
        "Cut work into steps that depend on each other and publish it for all agents. Created whole or not at all; a "
        "mistake in the plan is named.",
        projects.create_project,
        {
            "name": argument(Text, "Letters, digits, '.', '_', '-'.", also=PROJECT_WORDS, required=True),
            "base_commit": argument(Text, "Such as HEAD.", also=("base", "commit"), required=True),
            **_STEPS,
            "description": argument(Text),
            "stale_minutes": argument(Integer, "Silence before a step is taken over; default 15.", minimum=10),
        },
        effect="writes",
        hint="plan work, split task into steps",
    ),
    Tool(
        "list_projects",
        "List projects",
        "List projects with counts, progress and last activity.",
        projects.list_projects,
        {"status": argument(choice(ProjectStatus))},
        effect="reads",
        hint="which projects exist",
        narrow="Narrow with status, or call get_project for one.",
    ),
    Tool(
        "add_steps",
        "Add steps",
        "Add steps to an active project; they may depend on any of its steps.",
        projects.add_steps,
        {"project": argument(Text, also=("name", "project_name"), required=True), **_STEPS},
        effect="writes",
        hint="extend the plan",
    ),
    Tool(
        "update_step",
        "Change a step",
        "Change a step that no one holds. What is left out stays.",
        step_work.update_step,
        {**STEP, **_CHANGEABLE},
        hint="edit plan, dependencies, priority",
    ),
    Tool(
        "skip_step",
        "Skip a step",
        "Skip a step: it counts as settled, and its dependants become available.",
        step_work.skip_step,
        {**STEP, **_REASON},
        effect="ends",
        hint="step no longer needed",
    ),
    Tool(
        "abort_project",
        "Abort a project",
        "End a project: no more claims; running steps may still complete.",
        projects.abort_project,
        {"name": argument(Text, also=PROJECT_WORDS, required=True), **_REASON},
        effect="ends",
        hint="cancel project",
    ),
    Tool(
        "detect_stale_work",
        "Find stale work",
        "List held steps whose holder has been silent for timeout_minutes, with the evidence.",
        step_views.detect_stale_work,
        {"timeout_minutes": argument(Integer, "Default 15.", also=("stale_minutes", "minutes"), minimum=1)},
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
        {**STEP, "force": argument(Boolean, "Take it from a live holder.")},
        effect="ends",
        hint="retry, release crashed agent's step",
    ),
    Tool(
        "get_metrics",
        "Metrics",
        "Return counts, durations, throughput, attempts and hours left, by scope and agent.",
        step_views.get_metrics,
        {**PROJECT, "agent_id": argument(Text, "Only this agent.", also=("agent",))},
        effect="reads",
        hint="statistics, estimate, throughput",
        narrow="Narrow with project or agent_id.",
    ),
    Tool(
        "get_agent_events",
        "Events",
        "List what happened, newest first: time, agent, event, step, outcome, commit.",
        step_views.get_agent_events,
        {
            "agent_id": argument(Text, "Only this agent and its sub-agents.", also=("agent",)),
            **PROJECT,
            "limit": argument(Integer, "Default 100.", minimum=1),
        },
        effect="reads",
        hint="history, audit, who did what",
        narrow="Narrow with agent_id, project or limit.",
    ),
)
