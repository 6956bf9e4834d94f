"""The chart of owners as a drawing: boxes in layers, the ultimate parents on top. Plain SVG, without script or font."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from enum import StrEnum
from html import escape

from kyc_gate.model.party import BeneficialOwner, Party
from kyc_gate.model.record import Record
from kyc_gate.ownership.cascade import percent
from kyc_gate.ownership.gleif.records import REASONS
from kyc_gate.ownership.layers import OwnerLayers, OwnerRow
from kyc_gate.ownership.register import Standing, Step


class BoxKind(StrEnum):
    """What a box stands for; it decides how the box is drawn."""

    SUBJECT = "subject"
    OWNER = "owner"
    LISTED = "listed"
    UNKNOWN = "unknown"


class Box(Record):
    """One party in a chart: a title, and a few lines below it."""

    id: str
    title: str
    lines: tuple[str, ...] = ()
    kind: BoxKind = BoxKind.OWNER


class Arrow(Record):
    """That `above` stands over `below`, and how; `weak` evidence is drawn with dashes."""

    below: str
    above: str
    label: str = ""
    weak: bool = False


class Chart(Record):
    """Boxes and arrows, with a title and a description for readers who cannot see them."""

    title: str
    about: str
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]


BOX_WIDTH = 260
LINE_HEIGHT = 17
GAP_ACROSS, GAP_UP, MARGIN = 32, 64, 24
WRAP, LABEL_WRAP = 36, 34
"""Characters on a line of a box, and of an arrow's label: what fits at 13 pixels."""

MOST_BOXES = 200
"""Boxes that are drawn, at most; a chart of more cannot be read."""

STYLE = """
rect{fill:#fff;stroke:#33475b;stroke-width:1.5}
.subject rect{fill:#e8f0fe;stroke:#1a4fa0;stroke-width:2.5}
.listed rect{fill:#fdecea;stroke:#a4161a;stroke-width:2.5}
.unknown rect{fill:#f6f6f6;stroke:#6b6b6b;stroke-dasharray:6 4}
text{font:13px system-ui,sans-serif;fill:#1b2733}
.title{font-weight:600}
.label{font-size:12px;fill:#44525f;paint-order:stroke;stroke:#fff;stroke-width:4px}
path{fill:none;stroke:#33475b;stroke-width:1.5}
.weak{stroke-dasharray:5 4}
.tip{fill:#33475b;stroke:none}
@media (prefers-color-scheme: dark){
rect{fill:#1a2028;stroke:#9fb2c6}.subject rect{fill:#14263f;stroke:#8ab8f2}.listed rect{fill:#3a1618;stroke:#ff9d9d}
.unknown rect{fill:#22262c;stroke:#adb7c1}text{fill:#e8ecf0}.label{fill:#adb7c1;stroke:#10141a}
path{stroke:#9fb2c6}.tip{fill:#9fb2c6;stroke:none}
}
""".strip()


def register_chart(found: Standing, *, children: int = 0) -> Chart:
    """Return the chart of what the register says of an entity."""
    entity = found.entity
    subject = Box(
        id=entity.lei,
        title=entity.name,
        lines=(f"LEI {entity.lei}", f"headquarters {entity.headquarters_address.country or 'unknown'}"),
        kind=BoxKind.SUBJECT,
    )
    boxes, arrows, below = {subject.id: subject}, list[Arrow](), entity.lei
    for step in found.chain:
        boxes.setdefault(step.lei, _step_box(step))
        arrows.append(Arrow(below=below, above=step.lei, label=_LABELS.get(step.type, step.type), weak=step.weak))
        below = step.lei
    for step in found.ultimate:
        if step.lei not in boxes:
            boxes[step.lei] = _step_box(step)
            arrows.append(Arrow(below=below, above=step.lei, label=_LABELS.get(step.type, step.type), weak=step.weak))
    if not found.ultimate:
        boxes["?"] = Box(id="?", title="unknown", lines=_why_unknown(found), kind=BoxKind.UNKNOWN)
        arrows.append(Arrow(below=below, above="?", label="no parent is reported", weak=True))
    tops = ", ".join(step.name for step in found.ultimate) or "unknown"
    held = f" It is the direct parent of {children} entities." if children else ""
    return Chart(
        title=f"Who stands above {entity.name}",
        about=f"{len(found.chain)} direct parents upwards; ultimate parent: {tops}.{held}",
        boxes=tuple(boxes.values()),
        arrows=tuple(arrows),
    )


_LABELS = {
    "IS_DIRECTLY_CONSOLIDATED_BY": "consolidated by",
    "IS_ULTIMATELY_CONSOLIDATED_BY": "ultimately consolidated by",
    "IS_INTERNATIONAL_BRANCH_OF": "branch of",
}


def _step_box(step: Step) -> Box:
    kind = BoxKind.OWNER if step.entity else BoxKind.UNKNOWN
    return Box(
        id=step.lei,
        title=step.entity.name if step.entity else "no record in the register",
        lines=(f"LEI {step.lei}", f"headquarters {step.country or 'unknown'}"),
        kind=kind,
    )


def _why_unknown(found: Standing) -> tuple[str, ...]:
    return tuple(REASONS.get(reason, reason) for reason in found.reasons) or ("nothing is reported",)


def owners_chart(party: Party, layers: OwnerLayers, people: Sequence[BeneficialOwner], top: Box | None = None) -> Chart:
    """Return the chart of the owners on file above a party. `top` is an ultimate parent that may not be among them."""
    boxes = {party.id: Box(id=party.id, title=party.name, lines=(party.id,), kind=BoxKind.SUBJECT)}
    arrows: list[Arrow] = []
    for row in layers.owners:
        for id in row.on_file or (f"name:{row.name}",):
            boxes.setdefault(id, _owner_box(id, row))
            arrows.append(Arrow(below=row.owned, above=id, label=percent(row.share), weak=row.share is None))
    for person in people:
        id = person.party_id or f"name:{person.name}"
        boxes.setdefault(id, Box(id=id, title=person.name, kind=BoxKind.LISTED if person.listed_on else BoxKind.OWNER))
        arrows.append(Arrow(below=party.id, above=id, label=f"beneficially {percent(person.share)}", weak=True))
    for id in layers.silent:
        boxes[f"?{id}"] = Box(id=f"?{id}", title="unknown", lines=("owners not on file",), kind=BoxKind.UNKNOWN)
        arrows.append(Arrow(below=id, above=f"?{id}", weak=True))
    if top is not None and top.title not in {box.title for box in boxes.values()}:
        boxes[top.id] = top
        arrows.append(Arrow(below=party.id, above=top.id, label="ultimate parent", weak=True))
    circles = f" {len(layers.circles)} circles." if layers.circles else ""
    return Chart(
        title=f"Who stands behind {party.name}",
        about=f"{len(layers.owners)} holdings; {len(layers.unknown)} things are not known.{circles}",
        boxes=tuple(boxes.values()),
        arrows=tuple(arrows),
    )


def _owner_box(id: str, row: OwnerRow) -> Box:
    lines = (
        id,
        f"on {', '.join(row.lists)}" if row.lists else "",
        f"of {row.headquarters}" if row.headquarters else "",
    )
    return Box(
        id=id,
        title=row.name,
        lines=tuple(line for line in lines if line and not line.startswith("name:")),
        kind=BoxKind.LISTED if row.lists else BoxKind.OWNER,
    )


def render_chart(chart: Chart) -> str:
    """Return the chart as a whole SVG document. Text from outside is escaped; nothing is loaded or run."""
    boxes = chart.boxes[:MOST_BOXES]
    shown = {box.id for box in boxes}
    arrows = [arrow for arrow in chart.arrows if arrow.below in shown and arrow.above in shown]
    layers = _layers(boxes, arrows)
    rows = [[box for box in boxes if layers[box.id] == layer] for layer in range(max(layers.values(), default=0) + 1)]
    width = max(len(row) for row in rows) * (BOX_WIDTH + GAP_ACROSS) - GAP_ACROSS + 2 * MARGIN if boxes else 2 * MARGIN
    places, height = _placed(rows, width)
    parts = [_arrow(arrow, places) for arrow in arrows]
    parts.extend(_box(box, places[box.id]) for box in boxes)
    cut = f" {len(chart.boxes) - len(boxes)} more are not drawn." if len(chart.boxes) > len(boxes) else ""
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="title about"'
            f' viewBox="0 0 {width} {height}" width="{width}" height="{height}">',
            f'<title id="title">{_text(chart.title)}</title>',
            f'<desc id="about">{_text(chart.about + cut)}</desc>',
            f"<style>{STYLE}</style>",
            '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
            '<path class="tip" d="M0 0L8 4L0 8z"/></marker></defs>',
            *parts,
            "</svg>",
            "",
        )
    )


class _Place(Record):
    x: int
    y: int
    height: int

    @property
    def middle(self) -> int:
        return self.x + BOX_WIDTH // 2


def _layers(boxes: Sequence[Box], arrows: Sequence[Arrow]) -> dict[str, int]:
    """Return how many steps each box stands above the lowest ones; a circle is cut where it closes."""
    layers = {box.id: 0 for box in boxes}
    for _ in boxes:
        moved = False
        for arrow in arrows:
            wanted = layers[arrow.below] + 1
            if arrow.above != arrow.below and layers[arrow.above] < wanted < len(boxes):
                layers[arrow.above], moved = wanted, True
        if not moved:
            break
    used = {layer: number for number, layer in enumerate(sorted(set(layers.values())))}
    return {id: used[layer] for id, layer in layers.items()}


def _placed(rows: Sequence[Sequence[Box]], width: int) -> tuple[dict[str, _Place], int]:
    """Return where each box stands, the highest layer on top, and how high the drawing is."""
    places: dict[str, _Place] = {}
    y = MARGIN
    for row in reversed(rows):
        x = (width - len(row) * (BOX_WIDTH + GAP_ACROSS) + GAP_ACROSS) // 2
        tallest = 0
        for box in row:
            height = LINE_HEIGHT * len(_written(box)) + 16
            places[box.id] = _Place(x=x, y=y, height=height)
            x += BOX_WIDTH + GAP_ACROSS
            tallest = max(tallest, height)
        y += tallest + GAP_UP
    return places, y - GAP_UP + MARGIN if places else 2 * MARGIN


def _written(box: Box) -> list[tuple[str, str]]:
    """Return the lines of a box, wrapped, each with its class."""
    titles = textwrap.wrap(box.title, WRAP, max_lines=3, placeholder=" …") or ["(no name)"]
    return [
        *(("title", line) for line in titles),
        *(("", line) for each in box.lines for line in textwrap.wrap(each, WRAP, max_lines=3, placeholder=" …")),
    ]


def _box(box: Box, place: _Place) -> str:
    lines = "".join(
        f'<text x="{place.x + 12}" y="{place.y + 8 + LINE_HEIGHT * number - 4}"{_class(name)}>{_text(line)}</text>'
        for number, (name, line) in enumerate(_written(box), 1)
    )
    frame = f'<rect x="{place.x}" y="{place.y}" width="{BOX_WIDTH}" height="{place.height}" rx="6"/>'
    return f'<g class="{box.kind.value}">{frame}{lines}</g>'


def _class(name: str) -> str:
    return f' class="{name}"' if name else ""


def _arrow(arrow: Arrow, places: Mapping[str, _Place]) -> str:
    start, end = places[arrow.below], places[arrow.above]
    y1, y2 = start.y, end.y + end.height
    half = (y1 + y2) // 2
    line = f"M{start.middle} {y1}C{start.middle} {half} {end.middle} {half} {end.middle} {y2 + 2}"
    drawn = f'<path d="{line}" marker-end="url(#tip)"{_class("weak" if arrow.weak else "")}/>'
    if not arrow.label:
        return drawn
    label = textwrap.shorten(arrow.label, LABEL_WRAP, placeholder=" …")
    at = (start.middle + end.middle) // 2
    return f'{drawn}<text x="{at + 8}" y="{half + 4}" class="label">{_text(label)}</text>'


def _text(text: str) -> str:
    """Return text that XML can hold: escaped, and without the control characters that XML forbids."""
    return escape("".join(char if char.isprintable() else " " for char in text))
