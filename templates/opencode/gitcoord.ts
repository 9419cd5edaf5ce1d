// Asks gitcoord before an edit whether somebody else holds the file; a refusal is the tool's error. Without gitcoord, and
// after an error of it, the edit passes. One file for opencode 1.18 and later (`server`) and opencode 2 (`setup`).
import { spawn } from "node:child_process"

const TOOLS = { edit: "Edit", multiedit: "MultiEdit", write: "Write", bash: "Bash", shell: "Bash" }
const PATCHES = ["patch", "apply_patch"]
const PATCHED = /^\*\*\* (?:(?:Add|Update|Delete) File|Move to): (.+?)\r?$/gm
const TIMEOUT_MS = 10_000

// Returns the calls as the edit hook knows them: one for each file.
function calls(tool, args) {
  if (PATCHES.includes(tool)) {
    const text = String(args?.patchText ?? args?.patch ?? args?.input ?? "")
    return [...text.matchAll(PATCHED)].map((match) => ["Edit", { file_path: match[1] }])
  }
  const name = TOOLS[tool]
  if (name === undefined) return []
  if (name === "Bash") return [[name, { command: String(args?.command ?? "") }]]
  const path = args?.filePath ?? args?.file_path ?? args?.path
  return path ? [[name, { file_path: String(path) }]] : []
}

function run(folder, event) {
  return new Promise((resolve) => {
    const done = (status, out, err) => resolve({ status, out, err })
    try {
      const child = spawn("gitcoord", ["hook", "edit", "--tool", "claude"], { cwd: folder, timeout: TIMEOUT_MS })
      let out = ""
      let err = ""
      child.stdout.on("data", (part) => (out += part))
      child.stderr.on("data", (part) => (err += part))
      child.stdin.on("error", () => {})
      child.on("error", () => done(0, "", ""))
      child.on("close", (status) => done(status, out, err))
      child.stdin.end(JSON.stringify(event))
    } catch {
      done(0, "", "")
    }
  })
}

function refusal({ status, out, err }) {
  if (status === 2) return err.trim() || "gitcoord refused this edit"
  try {
    const answer = JSON.parse(out).hookSpecificOutput
    return answer?.permissionDecision === "deny" ? String(answer.permissionDecisionReason ?? "refused") : ""
  } catch {
    return ""
  }
}

async function check(folder, session, tool, args) {
  for (const [name, input] of calls(String(tool).toLowerCase(), args)) {
    const event = { hook_event_name: "PreToolUse", session_id: session, cwd: folder, tool_name: name, tool_input: input }
    const why = refusal(await run(folder, event))
    if (why) throw new Error(why)
  }
}

export default {
  id: "gitcoord",
  async server({ directory }) {
    return {
      "tool.execute.before": (input, output) => check(directory, input.sessionID, input.tool, output.args),
    }
  },
  async setup(context) {
    const folder = context.location?.directory ?? process.cwd()
    await context.tool.hook("execute.before", (event) => check(folder, event.sessionID, event.tool, event.input))
  },
}
