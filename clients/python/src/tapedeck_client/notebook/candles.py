"""Bars as an SVG of candles. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from tapedeck_client.market_records import Bar

WIDTH, HEIGHT = 640, 180
RIGHT, BOTTOM = 64, 18
"""Room for prices, and for times."""
UP, DOWN, FAINT = "#2a9d62", "#d1495b", "#8884"


def candles(bars: Sequence[Bar]) -> str:
    """The bars side by side, the last one's price marked; times are UTC. Empty without bars."""
    if not bars:
        return ""
    low, high = min(bar.low for bar in bars), max(bar.high for bar in bars)
    margin = (high - low) * 0.04 or abs(high) * 0.001 or 1.0
    scale = _Scale(low - margin, high + margin, (WIDTH - RIGHT) / len(bars))
    shapes = [*_grid(scale, low, high), *_bodies(scale, bars), *_times(scale, bars), *_last(scale, bars[-1])]
    title = f"{bars[0].symbol} {bars[0].interval}, {bars[0].start:%Y-%m-%d %H:%M} to {bars[-1].end:%H:%M} UTC"
    head = f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img" '
    return f'{head}style="max-width:100%;height:auto" font-size="10" fill="currentColor"><title>{title}</title>' + (
        "".join(shapes) + "</svg>"
    )


class _Scale:
    """Where prices and bars are, in pixels."""

    def __init__(self, low: float, high: float, step: float) -> None:
        self.low, self.high, self.step = low, high, step

    def y(self, price: float) -> float:
        return (self.high - price) / (self.high - self.low) * (HEIGHT - BOTTOM)

    def x(self, place: int) -> float:
        return (place + 0.5) * self.step


def _grid(scale: _Scale, low: float, high: float) -> Iterator[str]:
    for price in (low, (low + high) / 2, high) if high > low else (low,):
        y = scale.y(price)
        yield f'<line x1="0" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="{FAINT}"/>'
        yield f'<text x="{WIDTH - RIGHT + 6}" y="{y + 3:.1f}" opacity=".7">{price:,.2f}</text>'


def _bodies(scale: _Scale, bars: Iterable[Bar]) -> Iterator[str]:
    width = max(1.0, scale.step * 0.7)
    for place, bar in enumerate(bars):
        color, x = UP if bar.close >= bar.open else DOWN, scale.x(place)
        top, bottom = scale.y(max(bar.open, bar.close)), scale.y(min(bar.open, bar.close))
        high, low = scale.y(bar.high), scale.y(bar.low)
        yield f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{high:.1f}" y2="{low:.1f}" stroke="{color}"/>'
        yield f'<rect x="{x - width / 2:.1f}" y="{top:.1f}" width="{width:.1f}" height="{max(1.0, bottom - top):.1f}" '
        yield f'fill="{color}"/>'


def _times(scale: _Scale, bars: Sequence[Bar]) -> Iterator[str]:
    for place in sorted({0, len(bars) // 2, len(bars) - 1}) if len(bars) > 2 else [0]:
        anchor = "start" if place == 0 else "end" if place == len(bars) - 1 else "middle"
        x = {"start": 0.0, "end": WIDTH - RIGHT, "middle": scale.x(place)}[anchor]
        text = f"{bars[place].start:%H:%M}" + (" UTC" if place == 0 else "")
        yield f'<text x="{x:.1f}" y="{HEIGHT - 4}" text-anchor="{anchor}" opacity=".7">{text}</text>'


def _last(scale: _Scale, bar: Bar) -> Iterator[str]:
    y, color = scale.y(bar.close), UP if bar.close >= bar.open else DOWN
    yield f'<line x1="0" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="{color}" stroke-dasharray="3 3"/>'
    yield f'<rect x="{WIDTH - RIGHT + 2}" y="{y - 7:.1f}" width="{RIGHT - 2}" height="14" rx="2" fill="{color}"/>'
    yield f'<text x="{WIDTH - RIGHT + 6}" y="{y + 3.5:.1f}" fill="#fff">{bar.close:,.2f}</text>'
