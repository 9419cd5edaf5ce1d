"""`gitcoord metrics --report FILE.html`: what is measured as one page, to keep with a build or to publish.

What this file does not know: how anything is measured, where the page goes.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from xml.etree import ElementTree as ET

from gitcoord.core.documents.doc import parse_time
from gitcoord.core.documents.json_text import Json
from gitcoord.core.steps.step import StepStatus
from gitcoord.faces.cli.pages.day_chart import Layer, chart
from gitcoord.faces.cli.pages.markup import Node, document, element, table
from gitcoord.faces.cli.terminal.calls import Result
from gitcoord.faces.cli.terminal.fields import minute, number, record, records, text, whole

ROWS_MAX = 50  # of a table; the JSON has all
# Title, what its sum is called, and its layers: kind and name.
_CHARTS: Sequence[tuple[str, str, Sequence[tuple[str, str]]]] = (
    ("Throughput", "steps completed", (("step_completed", "completed"),)),
    ("Waiting", "calls that waited", (("queued", "began to wait"),)),
    ("Refusals", "claims refused", (("claim_refused", "refused"),)),
    (
        "Automatic resolutions",
        "automatic resolutions",
        (("auto_coexist", "side by side"), ("auto_narrow", "carved out")),
    ),
    ("Recovered steps", "steps recovered", (("step_recovered", "put back or taken over"),)),
)
_RESOLVED = _CHARTS[3][2]
_OF_AGENTS: Sequence[tuple[str, str]] = (
    ("step_completed", "completed"),
    ("step_failed", "failed"),
    ("step_recovered", "lost"),
    ("claim_granted", "claims"),
    ("claim_refused", "refused"),
    ("queued", "waited"),
)
STYLE = """
:root{color-scheme:light dark;--ink:#1b1f24;--soft:#59636e;--line:#d5dae0;--page:#fff;--c0:#2267c4;--c1:#d9822b}
@media (prefers-color-scheme:dark){
:root{--ink:#e6e9ed;--soft:#9aa4af;--line:#363d46;--page:#14181d;--c0:#6aa9f7;--c1:#f0b06a}}
*{box-sizing:border-box}
body{margin:0 auto;padding:1.5rem 1rem;max-width:72rem}
body{color:var(--ink);background:var(--page);font:15px/1.5 system-ui,sans-serif}
h1{margin:0;font-size:1.5rem}h2{margin:2rem 0 .5rem;font-size:1.1rem}p{margin:.3rem 0;color:var(--soft)}
p.cut{padding:.5rem .8rem;border:1px solid var(--c1);border-radius:6px;color:var(--ink)}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(8.5rem,1fr));gap:.6rem}
.tiles{margin:1.2rem 0;padding:0;list-style:none}
.tiles li{padding:.6rem .8rem;border:1px solid var(--line);border-radius:6px;color:var(--soft);font-size:.85rem}
.tiles b{display:block;color:var(--ink);font-size:1.5rem;font-variant-numeric:tabular-nums}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,26rem),1fr));gap:1rem}
figure{margin:0;padding:.7rem .8rem;border:1px solid var(--line);border-radius:6px}
figcaption{display:flex;flex-wrap:wrap;gap:.2rem .9rem;font-size:.9rem}.key{color:var(--soft)}
.key i{display:inline-block;width:.7em;height:.7em;margin-right:.35em;border-radius:2px}
svg{display:block;width:100%;height:auto;margin-top:.4rem}svg text{fill:var(--soft);font:11px system-ui,sans-serif}
.grid{stroke:var(--line)}.l0{fill:var(--c0);background:var(--c0)}.l1{fill:var(--c1);background:var(--c1)}
.wide{overflow-x:auto}.wide:focus-visible{outline:2px solid var(--c0)}
table{width:100%;border-collapse:collapse;font-size:.9rem}
caption{padding:.2rem 0;color:var(--soft);text-align:left}
th,td{padding:.3rem .6rem;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}
td:first-child{min-width:9rem;overflow-wrap:anywhere}
th{color:var(--soft);font-weight:600;white-space:nowrap}td.n{font-variant-numeric:tabular-nums;white-space:nowrap}
@media print{:root{--ink:#000;--soft:#444;--line:#bbb;--page:#fff;--c0:#2267c4;--c1:#d9822b}
body{max-width:none;padding:0;font-size:11px}
figure,tr,.tiles li{break-inside:avoid}h2{break-after:avoid}.wide{overflow:visible}.l0,.l1{print-color-adjust:exact}}
"""


def page(result: Result, now: datetime) -> bytes:
    """Return a result of `activity.report` as a page of HTML."""
    activity = record(result.get("activity"))
    since = parse_time(text(activity.get("since")))
    days = [(since + timedelta(days=index)).date().isoformat() for index in range(whole(activity.get("days")))]
    by_day = {text(row.get("day")): row for row in records(activity.get("by_day"))}
    charts = [
        chart(
            title, days, [Layer(name, [whole(by_day.get(day, {}).get(kind)) for day in days]) for kind, name in kinds]
        )
        for title, _, kinds in _CHARTS
    ]
    title = f"gitcoord: {days[0]} to {days[-1]}"
    made = f"{len(days)} days of the ledgers' commits (UTC), read {minute(now.isoformat())}."
    cut = activity.get("complete_since")
    note = f"Complete since {minute(cut)} only: older history was not read."
    main = element(
        "main",
        element("h1", title),
        element("p", made),
        *([element("p", note, class_="cut", role="note")] if cut else []),
        _tiles(record(activity.get("totals"))),
        element("h2", "By day"),
        element("div", *charts, class_="charts"),
        *_sections(result, activity, days, by_day),
    )
    return document(title, STYLE, main)


def _tiles(sums: Result) -> ET.Element:
    tiles = [(name, sum(whole(sums.get(kind)) for kind, _ in kinds)) for _, name, kinds in _CHARTS]
    tiles.insert(1, ("claims granted", whole(sums.get("claim_granted"))))
    return element("ul", *(element("li", element("b", f"{count}"), name) for name, count in tiles), class_="tiles")


def _sections(result: Result, activity: Result, days: Sequence[str], by_day: dict[str, Result]) -> Iterable[Node]:
    """Yield tables, each below its heading; those that have rows."""
    projects = [
        [
            text(row.get("project")),
            text(row.get("status")),
            *(f"{whole(record(row.get('steps')).get(word))}" for word in StepStatus),
        ]
        for row in records(result.get("projects"))
    ]
    yield from _section("Projects", ("project", "status", *(word.replace("_", " ") for word in StepStatus)), projects)
    waits = record(activity.get("waited_seconds"))
    waited = [[name, number(wait)] for name, wait in waits.items() if wait is not None]
    yield from _section("Seconds from line to claim", ("statistic", "seconds"), waited)
    for title, field in (("Refused because", "refusals"), ("Left the line because", "left_the_line")):
        yield from _section(title, ("reason", "calls"), _ranked(record(activity.get(field))))
    refused: Counter[tuple[str, str]] = Counter()
    for row in records(activity.get("hotspots")):
        refused[text(row.get("repo")), text(row.get("pattern"))] += whole(row.get("refusals"))
    hot = [[pattern, repo or "-", f"{count}"] for (repo, pattern), count in refused.most_common()]
    yield from _section("Files that were refused most", ("pattern", "repository", "refusals"), hot)
    resolved: dict[str, Counter[str]] = {}
    for row in records(activity.get("auto_resolutions")):
        sums = resolved.setdefault(text(row.get("repo")), Counter())
        sums.update({kind: whole(row.get(kind)) for kind, _ in _RESOLVED})
    cells = [[repo or "-", *(f"{sums[kind]}" for kind, _ in _RESOLVED)] for repo, sums in resolved.items()]
    yield from _section("Automatic resolutions", ("repository", *(name for _, name in _RESOLVED)), cells)
    agents = [
        [text(row.get("agent")), *(f"{whole(row.get(kind))}" for kind, _ in _OF_AGENTS)]
        for row in sorted(records(activity.get("by_agent")), key=lambda row: -whole(row.get("step_completed")))
    ]
    yield from _section("Agents", ("agent", *(name for _, name in _OF_AGENTS)), agents)
    kinds = [pair for _, _, pairs in _CHARTS for pair in pairs]
    rows = [[day, *(f"{whole(by_day[day].get(kind))}" for kind, _ in kinds)] for day in days if day in by_day]
    yield from _section("Days", ("day", *(name for _, name in kinds)), rows, rows_max=len(days))


def _section(
    title: str, titles: Sequence[str], rows: Sequence[Sequence[str]], rows_max: int = ROWS_MAX
) -> Iterable[Node]:
    if rows:
        more = f"the first {rows_max} of {len(rows)}" if len(rows) > rows_max else ""
        yield element("h2", title)
        whole_table = table(titles, rows[:rows_max], more)
        # It may scroll sideways on a phone, which keys can do only to what has the focus.
        whole_table.attrib |= {"tabindex": "0", "role": "region", "aria-label": title}
        yield whole_table


def _ranked(counts: dict[str, Json]) -> list[list[str]]:
    return [[name, f"{whole(count)}"] for name, count in sorted(counts.items(), key=lambda pair: -whole(pair[1]))]
