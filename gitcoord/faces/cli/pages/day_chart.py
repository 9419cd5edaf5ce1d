"""Day charts: a bar for each day, drawn as SVG within a page.

One scale a chart, from zero to its highest day. Each bar has its day and numbers as a tooltip; the table of days beside
the charts has them as text.
"""

from collections.abc import Sequence
from typing import NamedTuple
from xml.etree import ElementTree as ET

from gitcoord.faces.cli.pages.markup import element

WIDTH, HEIGHT = 720, 150
LEFT, TOP, BOTTOM = 44, 10, 24  # room for the numbers of the scale, and for the days
GAP = 0.25  # of a day's width


class Layer(NamedTuple):
    """What a part of the bars is of: its name, and a number for each day."""

    name: str
    counts: Sequence[int]


def chart(title: str, days: Sequence[str], layers: Sequence[Layer]) -> ET.Element:
    """Return bars of layers that stand on each other."""
    highest = max(map(sum, zip(*(layer.counts for layer in layers), strict=True)), default=0)
    tall, wide = HEIGHT - TOP - BOTTOM, (WIDTH - LEFT) / max(1, len(days))
    drawn: list[ET.Element] = []
    for level in (0, highest) if highest else (0,):
        y = TOP + tall - (tall * level / highest if highest else 0)
        drawn.append(element("line", x1=LEFT, x2=WIDTH, y1=f"{y:.1f}", y2=f"{y:.1f}", class_="grid"))
        drawn.append(element("text", f"{level}", x=LEFT - 6, y=f"{y + 4:.1f}", text_anchor="end"))
    for index, day in enumerate(days):
        drawn += _bar(day, LEFT + wide * index, wide, [(layer.name, layer.counts[index]) for layer in layers], highest)
    for index in sorted({0, len(days) // 2, len(days) - 1}) if len(days) > 2 else range(len(days)):  # noqa: PLR2004 - ends and middle
        anchor = "start" if index == 0 else "end" if index == len(days) - 1 else "middle"
        x = LEFT + wide * (index + {"start": 0, "end": 1, "middle": 0.5}[anchor])
        drawn.append(element("text", days[index][5:], x=f"{x:.1f}", y=HEIGHT - 6, text_anchor=anchor))
    label = f"{title}: {', '.join(f'{layer.name} {sum(layer.counts)}' for layer in layers)}"
    svg = element("svg", *drawn, viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img", aria_label=label)
    said = [
        element("span", element("i", class_=f"l{number}"), f"{layer.name} {sum(layer.counts)}", class_="key")
        for number, layer in enumerate(layers)
    ]
    return element("figure", element("figcaption", element("b", title), " ", *said), svg)


def _bar(day: str, x: float, wide: float, parts: Sequence[tuple[str, int]], highest: int) -> list[ET.Element]:
    tall, base = HEIGHT - TOP - BOTTOM, float(HEIGHT - BOTTOM)
    drawn: list[ET.Element] = []
    tip = f"{day}: {', '.join(f'{name} {count}' for name, count in parts)}"
    for number, (_, count) in enumerate(parts):
        size = tall * count / highest if highest else 0
        base -= size
        if count:
            drawn.append(
                element(
                    "rect",
                    element("title", tip),
                    x=f"{x + wide * GAP / 2:.1f}",
                    y=f"{base:.1f}",
                    width=f"{wide * (1 - GAP):.1f}",
                    height=f"{size:.1f}",
                    class_=f"l{number}",
                )
            )
    return drawn
