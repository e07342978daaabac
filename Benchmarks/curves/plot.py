# SPDX-License-Identifier: Apache-2.0
"""A curve as SVG: logarithmic axes, a point with its spread for each figure, a name at the end of each line.

Colours are those of the reader: the picture asks whether the page is light or dark.
"""

import math
import statistics
from html import escape

WIDTH, HEIGHT = 760, 400
LEFT, RIGHT, TOP, BOTTOM = 64, 562, 66, 340
LABEL_HEIGHT = 17

# Of the lines: three of the broker in question, then those of the reference.
COLOURS = {"c0": ("#1f6feb", "#6aa9ff"), "c1": ("#12805c", "#4cc596"), "c2": ("#b4540a", "#f0985a"),
           "r0": ("#7b8591", "#8b96a3"), "r1": ("#7b8591", "#8b96a3"), "r2": ("#7b8591", "#8b96a3")}


def line_colours(dark: bool) -> str:
    return "\n".join(f"  .{kind}.line, .{kind}.spread {{ stroke: {colours[dark]} }} "
                     f".{kind}.point, .{kind}.name {{ fill: {colours[dark]} }}" for kind, colours in COLOURS.items())


STYLE = f"""
  .card {{ fill: #ffffff; stroke: #d7dce2 }}
  text {{ font: 13px "Segoe UI", "Noto Sans", "DejaVu Sans", sans-serif; fill: #1d2530 }}
  .title {{ font-size: 16px; font-weight: 600 }}
  .quiet {{ fill: #5d6876; font-size: 12px }}
  .grid {{ stroke: #e6e9ee }}
  .axis {{ stroke: #98a2ae }}
  .line {{ stroke-width: 2; fill: none; stroke-linejoin: round }}
  .r0.line {{ stroke-dasharray: 7 4 }} .r1.line {{ stroke-dasharray: 2 4 }} .r2.line {{ stroke-dasharray: 10 3 2 3 }}
  .spread {{ stroke-width: 5; opacity: 0.35 }}
  .name {{ font-size: 12.5px; font-weight: 600 }}
{line_colours(dark=False)}
  @media (prefers-color-scheme: dark) {{
    .card {{ fill: #12171e; stroke: #2c3540 }}
    text {{ fill: #e4e9ef }}
    .quiet {{ fill: #95a1af }}
    .grid {{ stroke: #232b35 }}
    .axis {{ stroke: #5d6876 }}
{line_colours(dark=True)}
  }}
"""

Line = tuple[str, str, dict[int, list[float]]]  # class, name, figures by point


class Scale:
    """From a figure to a place between two ends, by its logarithm."""

    def __init__(self, least: float, most: float, start: float, end: float):
        self.least, self.most, self._start = least, most, start
        self._unit = (end - start) / (math.log(most / least) or 1)

    def __call__(self, value: float) -> float:
        return self._start + math.log(value / self.least) * self._unit


def draw(title: str, axis: str, unit: str, base: int, lines: list[Line]) -> str:
    points = sorted({point for _, _, figures in lines for point in figures})
    values = [value for _, _, figures in lines for rounds in figures.values() for value in rounds]
    x = Scale(points[0], points[-1], LEFT + 12, RIGHT - 12)
    y = vertical(min(values), max(values))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        f'role="img" aria-label="{escape(title)}: {escape(unit)} by {escape(axis)}">',
        f"<style>{STYLE}</style>",
        f'<rect class="card" x="0.5" y="0.5" width="{WIDTH - 1}" height="{HEIGHT - 1}" rx="8"/>',
        f'<text class="title" x="20" y="30">{escape(title)}</text>',
        f'<text class="quiet" x="20" y="50">{escape(unit)}</text>',
        *grid(x, y, points, base),
        f'<text class="quiet" x="{(LEFT + RIGHT) / 2}" y="{BOTTOM + 42}" text-anchor="middle">{escape(axis)}</text>',
    ]
    for kind, _, figures in lines:
        parts += curve(kind, figures, x, y)
    return "\n".join([*parts, *names(lines, x, y), "</svg>"]) + "\n"


def vertical(least: float, most: float) -> Scale:
    """From the 1, 2 or 5 below to the one above, a decade at least: what is flat shall look flat."""
    low, high = step_below(least), -step_below(-most)
    while high / low < 10:
        low, high = step_below(low * 0.99), -step_below(-high * 1.01)
    return Scale(low, high, BOTTOM, TOP)


def step_below(value: float) -> float:
    """The largest 1, 2 or 5 times a power of ten that is not above; of a negative value, the least above, negative."""
    power = math.floor(math.log10(abs(value)) + 1e-9)
    steps = [factor * 10.0 ** exponent for exponent in (power - 1, power, power + 1) for factor in (1, 2, 5)]
    if value > 0:
        return max(step for step in steps if step <= value * (1 + 1e-9))
    return -min(step for step in steps if step >= -value * (1 - 1e-9))


def grid(x: Scale, y: Scale, points: list[int], base: int) -> list[str]:
    parts, value = [], y.least
    while value <= y.most * 1.001:
        place = y(value)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{RIGHT}" y1="{place:.1f}" y2="{place:.1f}"/>')
        parts.append(f'<text class="quiet" x="{LEFT - 8}" y="{place + 4:.1f}" text-anchor="end">{short(value)}</text>')
        value = -step_below(-value * 1.01)
    parts.append(f'<line class="axis" x1="{LEFT}" x2="{RIGHT}" y1="{BOTTOM}" y2="{BOTTOM}"/>')
    tick = float(base ** math.ceil(math.log(points[0], base) - 1e-9))
    while tick <= points[-1] * 1.001:
        place = x(tick)
        parts.append(f'<line class="axis" x1="{place:.1f}" x2="{place:.1f}" y1="{BOTTOM}" y2="{BOTTOM + 5}"/>')
        parts.append(f'<text class="quiet" x="{place:.1f}" y="{BOTTOM + 20}" text-anchor="middle">{short(tick)}</text>')
        tick *= base
    return parts


def curve(kind: str, figures: dict[int, list[float]], x: Scale, y: Scale) -> list[str]:
    middle = {point: statistics.median(rounds) for point, rounds in sorted(figures.items())}
    path = " ".join(f"{x(point):.1f},{y(value):.1f}" for point, value in middle.items())
    parts = [f'<polyline class="{kind} line" points="{path}"/>']
    for point, value in middle.items():
        rounds = figures[point]
        parts.append(f'<line class="{kind} spread" x1="{x(point):.1f}" x2="{x(point):.1f}" '
                     f'y1="{y(min(rounds)):.1f}" y2="{y(max(rounds)):.1f}"/>')
        parts.append(f'<circle class="{kind} point" cx="{x(point):.1f}" cy="{y(value):.1f}" r="3.5"/>')
    return parts


def names(lines: list[Line], x: Scale, y: Scale) -> list[str]:
    """Beside the last points, moved apart where they would overlap."""
    wanted = sorted((y(statistics.median(figures[max(figures)])), kind, name) for kind, name, figures in lines)
    places: list[float] = []
    for place, _, _ in wanted:
        places.append(max(place, places[-1] + LABEL_HEIGHT) if places else place)
    surplus = max(0.0, places[-1] - BOTTOM)
    for i in reversed(range(len(places))):
        limit = BOTTOM if i == len(places) - 1 else places[i + 1] - LABEL_HEIGHT
        places[i] = min(places[i], limit) if surplus else places[i]
    return [f'<text class="{kind} name" x="{RIGHT + 8}" y="{place + 4:.1f}">{escape(name)}</text>'
            for place, (_, kind, name) in zip(places, wanted)]


def short(value: float) -> str:
    """1, 10, 1 k, 1 M."""
    for size, letter in ((1_000_000, "M"), (1_000, "k")):
        if value >= size * 0.9999:
            return f"{value / size:g} {letter}"
    return f"{value:g}"
