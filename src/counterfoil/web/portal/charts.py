"""Charts as SVG, made here: shapes alone, whose words stand beside them in the page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from markupsafe import Markup, escape

from counterfoil.web.portal.words import number

WIDTH: Final = 10
"""Of a bar with its gap, in the drawing's own units."""
HEIGHT: Final = 100


class Bar(msgspec.Struct, frozen=True):
    """One bar of a chart: what it stands for, and how much of it there is."""

    label: str
    value: int


def bars(chart: Sequence[Bar], said: str) -> Markup:
    """A bar for each value, the largest as high as the drawing; `said` is what a screen reader says of it."""
    most = max((bar.value for bar in chart), default=0) or 1
    shapes = Markup().join(_bar(place, bar, most) for place, bar in enumerate(chart) if bar.value)
    return Markup(
        '<svg class="chart" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>'
    ).format(len(chart) * WIDTH, HEIGHT, said, shapes)


def _bar(place: int, bar: Bar, most: int) -> Markup:
    height = max(2, round(bar.value * HEIGHT / most))
    return Markup('<rect x="{}" y="{}" width="{}" height="{}"><title>{}</title></rect>').format(
        place * WIDTH, HEIGHT - height, WIDTH - 2, height, escape(f"{bar.label}: {number(bar.value)}")
    )
