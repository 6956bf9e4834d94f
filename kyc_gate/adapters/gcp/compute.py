"""Compute Engine: machines, groups of them, and capacity that is held for them."""

from __future__ import annotations

import re
from collections.abc import Callable

from kyc_gate.adapters.fields import Fields
from kyc_gate.adapters.gcp.asked import SENSITIVE, Asked, accelerators_of, is_free, machine_lines, tail
from kyc_gate.adapters.reading import Reading
from kyc_gate.adapters.values import count, digits, reference
from kyc_gate.model.job import Accelerators
from kyc_gate.model.learned import Learned


def machines(fields: Fields, number: int) -> list[Accelerators]:
    """Return the lines of `number` machines with these properties."""
    attached = accelerators_of(fields.parts("guestAccelerators"))
    return machine_lines(fields.text("machineType"), attached, number, f"{fields.path}.machineType")


_TEMPLATE = re.compile(
    r"(?:https?://[^/]+/compute/[a-z0-9]+/)?(?:projects/([^/]+)/)?(?:(global)|regions/([a-z0-9-]+))/instanceTemplates/([^/]+)"
)


def template_reference(asked: Asked, value: str) -> str:
    """Return the name of a template: in its region or globally, and with its project where that is another."""
    found = _TEMPLATE.fullmatch(value)
    if not found:
        return reference("instance-template", f"?/{value}")
    project = "" if found[1] in (None, asked.names.get("project")) else f"{found[1]}/"
    return reference("instance-template", f"{project}{found[2] or found[3]}/{found[4]}")


def _seconds(fields: Fields) -> int | None:
    """Return how long a machine runs at most. An absolute end is none: what it is from now on depends on the clock."""
    return fields.part("scheduling").part("maxRunDuration").limit("seconds")


def _limit(fields: Fields, number: int) -> list[str]:
    """Return what stands for machines that the call does not spell out."""
    return [] if fields.has("machineType") or not number else [reference("parameter", "machineType")]


def read_insert(asked: Asked) -> Reading:
    """One machine. What a template adds to the call is not seen in it."""
    body = asked.body
    lines = machines(body, 1)
    hidden = _sources(asked, body)
    name = asked.named("instance", body.text("name"))
    return asked.reading(lines, hidden or _limit(body, 1), seconds=_seconds(body), starts=name)


def _sources(asked: Asked, body: Fields) -> list[str]:
    found = []
    template = asked.query.get("sourceinstancetemplate") or body.text("sourceInstanceTemplate")
    image = asked.query.get("sourcemachineimage") or body.text("sourceMachineImage")
    if template:
        found.append(template_reference(asked, template))
    if image:
        found.append(reference("machine-image", tail(image, "sourceMachineImage")))
    return found


def read_bulk_insert(asked: Asked) -> Reading:
    """`count` machines; where there is a choice of types, each type is counted for all of them."""
    body = asked.body
    wanted = [body.number("count"), body.number("minCount")]
    number = max((each for each in wanted if each is not None), default=0)
    hidden = [] if wanted[0] is not None else [reference("parameter", "count")]
    properties = body.part("instanceProperties")
    lines = machines(properties, number)
    choices = _selections(body.part("instanceFlexibilityPolicy"), number)
    template = body.text("sourceInstanceTemplate")
    if template:
        hidden.append(template_reference(asked, template))
    elif not choices:
        hidden += _limit(properties, number)
    return asked.reading(
        lines + choices, hidden, ranged=len(choices) > 1, seconds=_seconds(properties), repeats=max(number, 1)
    )


def _selections(policy: Fields, number: int) -> list[Accelerators]:
    types: dict[str, None] = {}
    for _, selection in policy.members("instanceSelections"):
        for each in selection.texts("machineTypes"):
            types[each] = None
    return [line for each in types for line in machine_lines(each, (), number)]


def read_start(asked: Asked) -> Reading:
    """A machine that was made earlier."""
    name = asked.named("instance", asked.names.get("instance"))
    return asked.reading(unresolved=[name or reference("instance", "?")], starts=name)


def read_type(asked: Asked) -> Reading:
    """A machine that is given another type, or other accelerators."""
    name = asked.named("instance", asked.names.get("instance"))
    lines = machines(asked.body, 1)
    hidden = [] if asked.body.has("machineType") else [reference("parameter", "machineType")]
    return asked.reading(lines, hidden, starts=name)


def read_update(asked: Asked) -> Reading:
    """A machine as it is to be."""
    name = asked.named("instance", asked.names.get("instance"))
    return asked.reading(
        machines(asked.body, 1), _limit(asked.body, 1), seconds=_seconds(asked.body), starts=name, replaces=name
    )


def read_group(asked: Asked) -> Reading:
    """A new group: as many machines as it aims at, all of them after its templates."""
    body = asked.body
    number = _size(body)
    hidden = [template_reference(asked, each) for each in _templates(body)] or [
        reference("parameter", "instanceTemplate")
    ]
    choices = _selections(body.part("instanceFlexibilityPolicy"), number or 0)
    if number is None:
        hidden.append(reference("parameter", "targetSize"))
    elif number == 0:  # nothing runs, and resizing it asks again
        hidden = []
    name = asked.named("instance-group", body.text("name"))
    return asked.reading(choices, hidden, ranged=bool(choices), repeats=number or 1, starts=name)


_STANDBY = ("targetStoppedSize", "targetSuspendedSize")


def _size(body: Fields) -> int | None:
    """Return a group's size with its machines that stand by: they are made, and start without another call."""
    number = body.number("targetSize")
    return None if number is None else number + sum(body.number(each) or 0 for each in _STANDBY)


def _templates(body: Fields) -> list[str]:
    found = [body.text("instanceTemplate")]
    found += [version.text("instanceTemplate") for version in body.parts("versions")]
    return [each for each in dict.fromkeys(found) if each]


def read_group_change(asked: Asked) -> Reading | None:
    """A change of a group: of its size by what is known of its machines; of its machines, a person looks at."""
    body = asked.body
    name = asked.named("instance-group", asked.names.get("group"))
    changed = _templates(body) or body.has("instanceFlexibilityPolicy") or body.has("allInstancesConfig")
    if body.has("instanceFlexibilityPolicy"):
        _selections(body.part("instanceFlexibilityPolicy"), 0)
    number = _size(body)
    if changed:
        hidden = [template_reference(asked, each) for each in _templates(body)]
        return asked.reading(unresolved=[*hidden, reference("operation", asked.operation)], replaces=name)
    if number is None and not any(body.number(each) for each in _STANDBY) and not body.has("standbyPolicy"):
        return None
    if number is None:
        return asked.unread()
    return _sized(asked, name, number)


def read_other_machines(asked: Asked) -> Reading:
    """A group that is given another template: what one machine of it is has to be found out by a person."""
    name = asked.named("instance-group", asked.names.get("group"))
    asked.body.text("instanceTemplate")
    return asked.reading(unresolved=[reference("operation", asked.operation)], replaces=name)


def _sized(asked: Asked, name: str | None, number: int) -> Reading | None:
    """Return the reading of a group that is to have so many machines, of the kind that it was made with."""
    if number == 0:
        return None
    return asked.reading(unresolved=[name or reference("instance-group", "?")], repeats=number, replaces=name)


def read_resize(asked: Asked) -> Reading | None:
    """A group that is to have `size` machines, or as many as the body says: the larger, since one is ignored."""
    name = asked.named("instance-group", asked.names.get("group"))
    size = asked.query.get("size")
    sizes = [asked.body.number("targetSize"), None if size is None else digits(size, "size", least=0)]
    known = [each for each in sizes if each is not None]
    return _sized(asked, name, max(known)) if known else asked.unread()


def read_more(asked: Asked) -> Reading:
    """Machines that a group is to have beyond those it has: named, or a number of them."""
    name = asked.named("instance-group", asked.names.get("group"))
    listed = asked.body.value("instances")
    number = len(listed) if isinstance(listed, list) else asked.body.number("resizeBy")
    limit = asked.body.part("requestedRunDuration").limit("seconds")
    hidden = [name or reference("instance-group", "?")]
    if not number:
        hidden.append(reference("parameter", "resizeBy"))
    return asked.reading(unresolved=hidden, repeats=count(number or 1, "resizeBy"), seconds=limit, starts=name)


def read_autoscaler(asked: Asked) -> Reading:
    """A group that may grow to `maxNumReplicas` by itself."""
    number = asked.body.part("autoscalingPolicy").number("maxNumReplicas")
    target = asked.body.text("target")
    name = asked.named("instance-group", tail(target, "target")) if target else None
    hidden = [name or reference("instance-group", "?")]
    if number is None:
        hidden.append(reference("parameter", "maxNumReplicas"))
    return asked.reading(unresolved=hidden, repeats=number or 1, replaces=name)


def read_reservation(asked: Asked) -> Reading:
    """Capacity that is held from now on."""
    lines, hidden = _reserved(asked.body)
    return asked.reading(lines, hidden, starts=asked.named("reservation", asked.body.text("name")))


def _reserved(body: Fields) -> tuple[list[Accelerators], list[str]]:
    specific = body.part("specificReservation")
    number = specific.number("count")
    properties = specific.part("instanceProperties")
    lines = machines(properties, number or 0)
    hidden = []
    if template := specific.text("sourceInstanceTemplate"):
        hidden.append(reference("operation", f"reservation-by-{tail(template, 'sourceInstanceTemplate')}"))
    elif number is None or not properties.has("machineType"):
        hidden.append(reference("parameter", "specificReservation"))
    if body.has("aggregateReservation"):
        hidden.append(reference("parameter", "aggregateReservation"))
    return lines, hidden


def read_reservation_size(asked: Asked) -> Reading:
    """A reservation that is to have so many machines."""
    name = asked.named("reservation", asked.names.get("reservation"))
    number = asked.body.number("specificSkuCount")
    hidden = [name or reference("reservation", "?")]
    if number is None:
        hidden.append(reference("parameter", "specificSkuCount"))
    return asked.reading(unresolved=hidden, repeats=number or 1, replaces=name)


def read_future_reservation(asked: Asked) -> Reading:
    """Capacity that is held for a window of time to come."""
    body = asked.body
    sku = body.part("specificSkuProperties")
    number = sku.number("totalCount")
    properties = sku.part("instanceProperties")
    lines = machines(properties, number or 0)
    hidden = []
    if template := sku.text("sourceInstanceTemplate"):
        hidden.append(reference("operation", f"reservation-by-{tail(template, 'sourceInstanceTemplate')}"))
    elif number is None or not properties.has("machineType"):
        hidden.append(reference("parameter", "specificSkuProperties"))
    if body.has("aggregateReservation"):
        hidden.append(reference("parameter", "aggregateReservation"))
    seconds = body.part("timeWindow").part("duration").limit("seconds")
    name = asked.named("future-reservation", body.text("name") or asked.names.get("reservation"))
    return asked.reading(lines, hidden, seconds=seconds, starts=name)


def read_commitment(asked: Asked) -> Reading:
    """What is bought for years: accelerators by number, with the reservations that come with it."""
    lines = []
    hidden = []
    for resource in asked.body.parts("resources"):
        if resource.text("type") in ("ACCELERATOR", None):
            kind, amount = resource.text("acceleratorType"), resource.number("amount")
            if kind and amount:
                lines.append(Accelerators(model=tail(kind, "acceleratorType"), count=amount))
            else:
                hidden.append(reference("parameter", "resources"))
    for reservation in asked.body.parts("reservations"):
        more, less = _reserved(reservation)
        lines += more
        hidden += less
    return asked.reading(lines, hidden or ([] if lines else [reference("operation", asked.operation)]))


def define_template(asked: Asked) -> tuple[Learned, ...]:
    """Return what a template stands for, where it says so itself."""
    properties = asked.body.part("properties")
    if not properties.has("machineType") or asked.body.has("sourceInstance"):
        return ()
    lines = tuple(line for line in machines(properties, 1) if line.count)
    hidden = asked.body.unread(SENSITIVE, is_free)
    names = (name.partition(":") for name in template_names(asked))
    return tuple(Learned(kind=kind, id=id, lines=() if hidden else lines) for kind, _, id in names)


def template_names(asked: Asked) -> tuple[str, ...]:
    """Return the name that a definition gives its template, none where it has none."""
    name = asked.body.text("name")
    return (f"instance-template:{asked.place}/{name}",) if name else ()


Reader = Callable[[Asked], Reading | None]
