# SPDX-License-Identifier: Apache-2.0
"""Charts as inline SVG. Colours are classes of the page's style sheet: light, dark and print are one chart."""
import math
from html import escape

WIDTH = 960
LABELS = 370  # room for names on the left of bars and dumbbells
ROW = 30
SERIES = 8  # colours for the lines of a chart


def figure(value):
    """Three digits, as people write them."""
    if value == 0:
        return "0"
    if abs(value) >= 1e9:
        return f"{value / 1e9:.3g} G"
    if abs(value) >= 1e6:
        return f"{value / 1e6:.3g} M"
    if abs(value) >= 1000:
        return f"{value:,.0f}".replace(",", "\u202f")
    return f"{value:.3g}"


def number(value):
    """All of it: a size that was chosen."""
    return f"{value:,.10g}".replace(",", "\u202f")


def svg(height, title, parts):
    return (f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title)}">'
            f'<title>{escape(title)}</title>{"".join(parts)}</svg>')


def text(x, y, what, anchor="start", kind=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{kind}">{escape(what)}</text>'


def line(x1, y1, x2, y2, kind):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


class LogScale:
    def __init__(self, values, begin, end, floor=None):
        self.first = math.floor(math.log10(floor or min(values)) + 1e-9)
        self.last = max(math.ceil(math.log10(max(values)) - 1e-9), self.first + 1)
        self.begin, self.end = begin, end

    def at(self, value):
        share = (math.log10(value) - self.first) / (self.last - self.first)
        return self.begin + share * (self.end - self.begin)

    def ticks(self):
        return [10.0**power for power in range(self.first, self.last + 1)]


class LinearScale:
    def __init__(self, values, begin, end):
        raw = (max(values) or 1) / 5
        unit = 10 ** math.floor(math.log10(raw))
        self.step = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= raw)
        self.top = self.step * math.ceil(max(values) / self.step - 1e-9) or self.step
        self.begin, self.end = begin, end

    def at(self, value):
        return self.begin + value / self.top * (self.end - self.begin)

    def ticks(self):
        return [i * self.step for i in range(int(self.top / self.step + 1e-9) + 1)]


class EvenScale:
    """Values side by side, each as far from the next, as percentiles are."""

    def __init__(self, values, begin, end):
        self.values = sorted(set(values))
        self.begin, self.end = begin, end

    def at(self, value):
        return self.begin + (self.values.index(value) + 0.5) / len(self.values) * (self.end - self.begin)

    def ticks(self):
        return self.values


def scale(values, begin, end, wide):
    """Logarithmic when the values lie further apart than `wide` times."""
    positive = [value for value in values if value > 0]
    if len(positive) == len(values) and max(values) / min(values) > wide:
        return LogScale(values, begin, end)
    return LinearScale(values, begin, end)


def across(axis, height, unit):
    """The lines and the scale of a horizontal axis."""
    return [part for tick in axis.ticks()
            for part in (line(axis.at(tick), 0, axis.at(tick), height - 24, "grid"),
                         text(axis.at(tick), height - 8, f"{tick:g}{unit}", "middle", "axis"))]


def bars(title, rows, unit):
    """rows: (label, value, note, class), on a logarithmic scale that begins at 1."""
    axis = LogScale([row[1] for row in rows] + [10], LABELS, WIDTH - 130, floor=1)
    height = ROW * len(rows) + 30
    parts = across(axis, height, unit)
    for i, (label, value, note, kind) in enumerate(rows):
        y = i * ROW
        width = max(axis.at(max(value, 1)) - LABELS, 2)
        parts += [text(LABELS - 10, y + 19, label, "end"),
                  f'<rect x="{LABELS}" y="{y + 6}" width="{width:.1f}" height="{ROW - 12}" rx="3" class="{kind}">'
                  f"<title>{escape(label)}: {escape(note)}</title></rect>",
                  text(LABELS + width + 6, y + 19, note)]
    return svg(height, title, parts)


def dumbbells(title, rows, unit):
    """rows: (label, [(name, value, class)]): a dot per name on a logarithmic scale, joined by a line."""
    values = [value for _, dots in rows for _, value, _ in dots]
    axis = LogScale(values, LABELS, WIDTH - 20)
    height = ROW * len(rows) + 30
    parts = across(axis, height, f" {unit}")
    for i, (label, dots) in enumerate(rows):
        y = i * ROW + 15
        ends = [axis.at(value) for _, value, _ in dots]
        parts += [text(LABELS - 10, y + 4, label, "end"), line(min(ends), y, max(ends), y, "span")]
        parts += [f'<circle cx="{axis.at(value):.1f}" cy="{y}" r="6" class="{kind}">'
                  f"<title>{escape(f'{label}, {name}: {figure(value)} {unit}')}</title></circle>"
                  for name, value, kind in dots]
    return svg(height, title, parts)


def lines(title, points, x_name, unit):
    """points: {series: [(x, y)]}."""
    left, right, top, bottom = 80, 310, 34, 320
    xs = [x for line_points in points.values() for x, _ in line_points]
    ys = [y for line_points in points.values() for _, y in line_points]
    up, along = scale(ys, bottom, top, 50), scale(xs, left, WIDTH - right, 20)
    placed = sorted(along.at(x) for x in set(xs))
    if isinstance(along, LinearScale) and min(b - a for a, b in zip(placed, placed[1:])) < 20:
        along = EvenScale(xs, left, WIDTH - right)  # their names would cover each other
    parts = [part for tick in up.ticks()
             for part in (line(left, up.at(tick), WIDTH - right, up.at(tick), "grid"),
                          text(left - 8, up.at(tick) + 4, figure(tick), "end", "axis"))]
    x_ticks = sorted(set(xs)) if isinstance(along, LinearScale) else along.ticks()
    parts += [text(along.at(tick), bottom + 20, number(tick), "middle", "axis") for tick in x_ticks]
    parts += [text((left + WIDTH - right) / 2, bottom + 42, x_name, "middle", "axis"),
              text(4, 12, unit, "start", "axis")]
    for i, (name, line_points) in enumerate(points.items()):
        placed = [(along.at(x), up.at(y), x, y) for x, y in sorted(line_points)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y, _, _ in placed)
        parts.append(f'<polyline points="{path}" class="line s{i % SERIES}"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" class="s{i % SERIES}">'
                  f"<title>{escape(f'{name}: {figure(value)} {unit} at {number(at)}')}</title></circle>"
                  for x, y, at, value in placed]
        y = top + 12 + 20 * i
        parts += [f'<rect x="{WIDTH - right + 20}" y="{y - 9}" width="12" height="12" rx="2" class="s{i % SERIES}"/>',
                  text(WIDTH - right + 38, y + 2, name)]
    return svg(max(bottom + 52, top + 30 + 20 * len(points)), title, parts)
