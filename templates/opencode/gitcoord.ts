// Asks gitcoord before an edit whether another agent holds the file; a refusal is the tool's error. Without gitcoord, and
// after an error of it, the edit passes. Tells it when sessions begin, and when opencode ends, so that their claims end.
// Adds what others ask of the session to the result of a tool; one that would stop goes on with it, once.
// One file for opencode 1.18 and later (`server`) and opencode 2 (`setup`).
import { spawn } from "node:child_process"
import { resolve } from "node:path"

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
  return new Promise((tell) => {
    const done = (status, err, out = "") => tell({ status, err, out })
    try {
      const child = spawn("gitcoord", ["hook", "edit", "--tool", "opencode"], { cwd: folder, timeout: TIMEOUT_MS })
      let err = ""
      let out = ""
      child.stdout.on("data", (part) => (out += part))
      child.stderr.on("data", (part) => (err += part))
      child.stdin.on("error", () => {})
      child.on("error", () => done(0, ""))
      child.on("close", (status) => done(status, err, out))
      child.stdin.end(JSON.stringify(event))
    } catch {
      done(0, "")
    }
  })
}

const refusal = ({ status, err }) => (status === 2 ? err.trim() || "gitcoord refused this edit" : "")

function said({ out }) {
  try {
    return JSON.parse(out || "{}")
  } catch {
    return {}
  }
}

async function check(folder, session, tool, args) {
  for (const [name, input] of calls(String(tool).toLowerCase(), args)) {
    const cwd = resolve(folder, String(args?.workdir ?? ""))
    const event = { hook_event_name: "PreToolUse", session_id: session, cwd, tool_name: name, tool_input: input }
    const why = refusal(await run(folder, event))
    if (why) throw new Error(why)
  }
}

export default {
  id: "gitcoord",
  async server({ directory, client }) {
    const sessions = new Set()
    const leading = new Set() // those of a person; sub-agents answer to them
    const stopped = new Set() // by a person, or by an error
    const tell = (name, session, more) =>
      run(directory, { hook_event_name: name, session_id: session, cwd: directory, ...more })
    const goOn = async (session) => {
      const { decision, reason } = said(await tell("Stop", session, {}))
      if (decision !== "block" || !client?.session?.promptAsync) return
      await client.session.promptAsync({ path: { id: session }, body: { parts: [{ type: "text", text: reason }] } })
    }
    return {
      async event({ event }) {
        const about = event.properties?.sessionID
        if (event.type === "session.error") stopped.add(about)
        if (event.type === "session.idle" && !stopped.delete(about) && leading.has(about)) return goOn(about)
        const session = event.type === "session.created" && event.properties?.info
        if (!session || session.parentID) return // a sub-agent's is the same session of ours
        sessions.add(session.id)
        leading.add(session.id)
        await tell("SessionStart", session.id, { source: "startup" })
      },
      "tool.execute.before"(input, output) {
        sessions.add(input.sessionID)
        return check(directory, input.sessionID, input.tool, output.args)
      },
      async "tool.execute.after"(input, output) {
        if (calls(String(input.tool).toLowerCase(), input.args).length === 0 || typeof output?.output !== "string") return
        const { hookSpecificOutput } = said(await tell("PostToolUse", input.sessionID, { tool_name: String(input.tool) }))
        if (hookSpecificOutput?.additionalContext) output.output += `\n\n${hookSpecificOutput.additionalContext}`
      },
      async dispose() {
        for (const session of sessions) await tell("SessionEnd", session, { reason: "exit" })
      },
    }
  },
  async setup(context) {
    const folder = context.location?.directory ?? process.cwd()
    await context.tool.hook("execute.before", (event) => check(folder, event.sessionID, event.tool, event.input))
  },
}
