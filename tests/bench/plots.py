"""Plots of figures as SVG: the latency over what grows, one drawing for each; readable on light and on dark pages.

Written by hand: three lines, two axes and their labels. They are pictures in Markdown, so colours follow the reader's
system by the style within, and no script and no font comes along.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from xml.etree import ElementTree as ET

from tests.bench.report import Row

WIDTH, HEIGHT = 640, 300
LEFT, RIGHT, TOP, BOTTOM = 58, 20, 44, 44
LOGARITHMIC_FROM = 20  # times from the least to the most
_COLOURS = ("#1f6feb", "#c2410c", "#15803d", "#7e22ce")
_DARK = ("#79b8ff", "#ffab70", "#85e89d", "#d2a8ff")
_STYLE = "".join(
    [
        "text{font:12px sans-serif;fill:#24292f}.axis{stroke:#8c959f}.grid{stroke:#d0d7de}",
        *(f".c{at}{{stroke:{colour};fill:{colour}}}" for at, colour in enumerate(_COLOURS)),
        ".line{fill:none;stroke-width:2}.p95{stroke-dasharray:4 4;stroke-width:1.2}.name{stroke:none}",
        "@media(prefers-color-scheme:dark){text{fill:#c9d1d9}.axis{stroke:#8b949e}.grid{stroke:#30363d}",
        *(f".c{at}{{stroke:{colour};fill:{colour}}}" for at, colour in enumerate(_DARK)),
        ".line{fill:none}.name{stroke:none}}",
    ]
)

Lines = dict[str, list[Row]]


def drawn(rows: Sequence[Row]) -> dict[str, str]:
    """Return a drawing for each thing that grows, by its name."""
    points = [row for row in rows if row.get("point") and row["n"]]
    names = dict.fromkeys(row["point"]["over"] for row in points)
    found = {name: _lines([row for row in points if row["point"]["over"] == name]) for name in names}
    return {
        name: _drawing(name, lines) for name, lines in found.items() if any(len(line) > 1 for line in lines.values())
    }


def _lines(rows: Sequence[Row]) -> Lines:
    lines: Lines = {}
    for row in sorted(rows, key=lambda row: row["point"]["x"]):
        lines.setdefault(row["point"]["line"], []).append(row)
    return lines


def _drawing(name: str, lines: Lines) -> str:
    rows = [row for line in lines.values() for row in line]
    places = sorted({row["point"]["x"] for row in rows})
    top = _above(max(row["p95"] for row in rows))

    def x(value: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * _share(value, places[0], places[-1])

    def y(value: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / top)

    svg = ET.Element("svg", xmlns="http://www.w3.org/2000/svg", viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img")
    ET.SubElement(svg, "title").text = f"Latency over {name}"
    ET.SubElement(svg, "style").text = _STYLE
    for step in range(5):
        value = top * step / 4
        _line(svg, "grid" if step else "axis", [(LEFT, y(value)), (WIDTH - RIGHT, y(value))])
        _text(svg, LEFT - 6, y(value) + 4, f"{value:g}", "end")
    for place in places:
        _text(svg, x(place), HEIGHT - BOTTOM + 16, f"{place:,g}", "middle")
    _text(svg, LEFT, TOP - 28, f"Latency in ms over {name}; p95 dashed", "start")
    for number, (label, line) in enumerate(lines.items()):
        colour = f"c{number % len(_COLOURS)}"
        for share, style in (("median", "line"), ("p95", "line p95")):
            _line(svg, f"{style} {colour}", [(x(row["point"]["x"]), y(row[share])) for row in line])
        for row in line:
            ET.SubElement(
                svg, "circle", {"class": colour, "r": "3", **_at("c", x(row["point"]["x"]), y(row["median"]))}
            )
        _text(svg, LEFT + (WIDTH - LEFT) * number / len(lines), HEIGHT - 8, label, "start", f"name {colour}")
    return ET.tostring(svg, encoding="unicode") + "\n"


def _share(value: float, least: float, most: float) -> float:
    """Return where between both a value is, from 0 to 1; on a scale of factors where they are far apart."""
    if most <= least:
        return 0.5
    if least > 0 and most / least >= LOGARITHMIC_FROM:
        return math.log(value / least) / math.log(most / least)
    return (value - least) / (most - least)


def _above(value: float) -> float:
    """Return a round number that is no less."""
    unit = 10.0 ** math.floor(math.log10(max(value, 1e-3)))
    return next(unit * factor for factor in (1, 1.2, 1.6, 2, 3, 4, 6, 8, 10) if unit * factor >= value)


def _line(svg: ET.Element, style: str, points: Sequence[tuple[float, float]]) -> None:
    path = f"M{points[0][0]:.1f} {points[0][1]:.1f}" + "".join(f"L{x:.1f} {y:.1f}" for _, (x, y) in pairwise(points))
    ET.SubElement(svg, "path", {"class": style, "d": path})


def _text(svg: ET.Element, x: float, y: float, text: str, anchor: str, style: str = "") -> None:
    attributes = {**_at("", x, y), "text-anchor": anchor, **({"class": style} if style else {})}
    ET.SubElement(svg, "text", attributes).text = text


def _at(prefix: str, x: float, y: float) -> dict[str, str]:
    return {f"{prefix}x": f"{x:.1f}", f"{prefix}y": f"{y:.1f}"}
