"""One review at a time: what is new is decided, what is a part of something charged passes, what ends is ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kyc_gate.adapters.kubernetes.answers import allow, deny, paused_message
from kyc_gate.adapters.kubernetes.counts import Counts, amounts_of, as_lines, grown, larger, summed
from kyc_gate.adapters.kubernetes.demand import Demand, lines_of
from kyc_gate.adapters.kubernetes.fields import Object, part
from kyc_gate.adapters.kubernetes.objects import read_demand
from kyc_gate.adapters.kubernetes.pauses import pause_patch, paused
from kyc_gate.adapters.kubernetes.request import Asked, meaning_of, request_of
from kyc_gate.adapters.kubernetes.review import (
    SHORT_GRACE,
    Review,
    grace_of,
    has_ended,
    is_leaving,
    kept,
    object_uid,
    owner_of,
    replicas_of,
)
from kyc_gate.adapters.kubernetes.settings import KubernetesSettings
from kyc_gate.adapters.strict_json import JsonValue
from kyc_gate.model.call import Answer
from kyc_gate.model.job import ProvisioningRequest, RequestKind
from kyc_gate.model.record import Record
from kyc_gate.model.usage import MeteredRun
from kyc_gate.webhook.known import Known

if TYPE_CHECKING:
    from kyc_gate.service.admission import Admission
    from kyc_gate.service.gate import Gate


class Ask(Record):
    """An object's demand with every reference followed that the ledger knows, and whether it waits."""

    demand: Demand
    amounts: dict[str, int]
    unresolved: tuple[str, ...]
    paused: bool

    @property
    def nothing(self) -> bool:
        """Whether the object asks for no accelerator, as far as anybody can tell."""
        return not self.amounts and not self.unresolved


class More(Record):
    """What an object asks for beyond what is counted for it already, and all that is counted with it."""

    asked: Asked
    total: dict[str, int]
    shape: dict[str, int]


class Reviewing:
    """Answers the reviews of one cluster."""

    def __init__(self, gate: Gate, settings: KubernetesSettings) -> None:
        self._gate = gate
        self._settings = settings
        self._known = Known(gate, settings.cluster)

    async def validate(self, review: Review) -> Answer:
        """Return the answer that decides: nothing runs that is not charged, or a part of what is.

        1. ends 2. scales 3. names learnt 4. nothing asked for 5. parts 6. waits 7. growth
        """
        if review.operation == "DELETE":
            return await self._deleted(review)
        if review.subresource == "status":
            return await self._reported(review)
        if review.operation not in ("CREATE", "UPDATE") or review.document is None or self._elsewhere(review):
            return allow(review.uid)
        if review.subresource == "scale":
            return await self._scaled(review)
        now = await self._ask(review, review.document)
        await self._learn(review, now)
        before = None if review.old is None else await self._ask(review, review.old)
        if await self._removed(review) or now.nothing or not now.demand.charged:
            return allow(review.uid)
        if (run := await self._covering(review, now)) is not None:
            return await self._joined(review, run)
        if await self._queued(review, now):
            return allow(review.uid)
        more = await self._more(review, now, before)
        if more is None:
            return allow(review.uid)
        if now.paused:
            return await self._waiting(review, more)
        return await self._decided(review, more)

    async def mutate(self, review: Review) -> Answer:
        """Return the answer that pauses what a person must look at, where its kind can wait; it charges nothing.

        Whatever comes of it, the validating review decides.
        """
        patch = self._pause(review)
        if patch is None or review.document is None:
            return allow(review.uid)
        now = await self._ask(review, review.document)
        if now.nothing or not now.demand.charged or await self._queued(review, now):
            return allow(review.uid)
        if await self._covering(review, now) is not None:
            return allow(review.uid)
        more = await self._more(review, now, None)
        if more is None or now.paused:
            return allow(review.uid)
        request = request_of(review, more.asked, self._settings)
        if await self._gate.granted(request):
            return allow(review.uid)
        admission = await self._gate.decide_in_steps(request, dry_run=True)
        if admission.refusal is None or admission.refusal.code != "review-required":
            return allow(review.uid)
        return allow(review.uid, patch=patch, decision_id=admission.decision_id)

    async def starting(self, review: Review) -> ProvisioningRequest | None:
        """Return what would be decided where the object started now; None where that asks for nothing more."""
        if review.document is None or self._elsewhere(review):
            return None
        now = await self._ask(review, review.document)
        if now.nothing or not now.demand.charged or await self._covering(review, now) is not None:
            return None
        before = None if review.old is None else await self._ask(review, review.old)
        more = await self._more(review, now, before)
        return None if more is None else request_of(review, more.asked, self._settings)

    def _pause(self, review: Review) -> bytes | None:
        if review.operation != "CREATE" or review.subresource or review.document is None or self._elsewhere(review):
            return None
        return pause_patch(review.kind.group, review.kind.kind, part(review.document, "spec"))

    def _elsewhere(self, review: Review) -> bool:
        """Return whether the object is counted elsewhere: its nodes with the workloads on them, or the other way."""
        return review.kind.counted not in (None, self._settings.charge)

    # What ends

    async def _deleted(self, review: Review) -> Answer:
        """End what the object is charged with, unless it, its pods, or what it made stay behind.

        A finalizer keeps the object, a long grace its pods. What was told to leave its parts behind ends never.
        """
        uid = object_uid(review.old)
        if review.dry_run or review.subresource or uid is None:
            return allow(review.uid)
        if review.orphans:
            await self._known.learn("orphaned", uid, ())
        elif not kept(review.old) and grace_of(review) <= SHORT_GRACE:
            await self._known.finish(uid)
        return allow(review.uid)

    async def _removed(self, review: Review) -> bool:
        """End what the object is charged with when its last finalizer goes, and return whether it is gone."""
        if not (is_leaving(review.document) and kept(review.old) and not kept(review.document)):
            return False
        if not review.dry_run and grace_of(review) <= SHORT_GRACE:
            await self._known.finish(object_uid(review.document))
        return True

    async def _reported(self, review: Review) -> Answer:
        """End what is over or suspended by its status, where one says so that keeps the status of others."""
        trusted = self._settings.trusts(review.user) or review.user.startswith("system:node:")
        if trusted and not review.dry_run and has_ended(review):
            await self._known.finish(object_uid(review.document))
        return allow(review.uid)

    # What is asked for

    async def _ask(self, review: Review, document: Object) -> Ask:
        demand = read_demand(review.kind, document, review.namespace, self._settings)
        amounts, unresolved = amounts_of(demand.lines), list(demand.unresolved)
        for name, times in demand.references:
            kind, _, id = name.partition(":")
            found = await self._known.lines(kind, id)
            if found is None:
                unresolved.append(name)
            else:
                amounts = summed(amounts, {model: count * times for model, count in amounts_of(found).items()})
        return Ask(
            demand=demand,
            amounts=amounts,
            unresolved=tuple(dict.fromkeys(unresolved)),
            paused=paused(*review.kind.name, part(document, "spec")),
        )

    async def _learn(self, review: Review, now: Ask) -> None:
        """Keep what later reviews name only: a replica's worth, a claim, a template, a runtime."""
        if review.dry_run or review.subresource:
            return
        where = f"{review.namespace}/{review.name}"
        uid = object_uid(review.document)
        replica = now.demand.replica
        if uid is not None and replica is not None and not any(group.pod.unresolved for group in replica):
            await self._known.enlarge("replica", uid, amounts_of(lines_of(replica)))
        if review.kind.kind == "ResourceClaim" and now.nothing:
            await self._known.learn("claim", where, ())
        kind = {"ResourceClaimTemplate": "claim-template", "TrainingRuntime": "runtime"}.get(review.kind.kind)
        if kind is not None and not now.unresolved:
            await self._known.enlarge(kind, where, now.amounts)
        if review.kind.kind == "ClusterTrainingRuntime" and not now.unresolved:
            await self._known.enlarge("runtime", review.name, now.amounts)

    async def _covering(self, review: Review, now: Ask) -> MeteredRun | None:
        """Return the run that the object is a part of, or None.

        INVARIANT: an owner is believed only where a controller wrote it, the ledger has a run of that very object, and
        no pod of the part is larger than the pods that were charged.
        """
        owner = owner_of(review.document)
        if owner is None or not self._settings.trusts(review.user):
            return None
        for run in await self._known.runs(owner.uid):
            if not grown(await self._shape(now), await self._known.shape(run)):
                return run
        return None

    async def _queued(self, review: Review, now: Ask) -> bool:
        """Return whether the object is a queue's entry for one that waits, and is counted itself when it starts.

        An entry runs nothing. It is believed as a part is: by who wrote it, by its owner's uid, and by its size.
        """
        owner = owner_of(review.document)
        entry = review.kind.name == ("kueue.x-k8s.io", "Workload")
        if owner is None or not entry or not self._settings.trusts(review.user):
            return False
        waiting = await self._known.lines("waiting", owner.uid)
        return waiting is not None and not grown(await self._shape(now), amounts_of(waiting))

    async def _joined(self, review: Review, run: MeteredRun) -> Answer:
        """Let a part in, and note whose it is where it has parts of its own: a pod has none but its claims."""
        uid = object_uid(review.document)
        leaf = review.kind.name == ("", "Pod") and not part(review.document or {}, "spec").get("resourceClaims")
        if uid is not None and not leaf and not review.dry_run:
            await self._known.join(run, uid)
        return allow(review.uid)

    async def _shape(self, now: Ask) -> Counts:
        """Return the largest pod with its claims followed; what cannot be followed stays a name."""
        shape: Counts = {}
        for pod in now.demand.pods:
            own: Counts = amounts_of(pod.lines)
            for name in pod.unresolved:
                kind, _, id = name.partition(":")
                found = await self._known.lines(kind, id)
                own = summed(own, {f"?{name}": 1} if found is None else amounts_of(found))
            shape = larger(shape, own)
        return shape

    async def _more(self, review: Review, now: Ask, before: Ask | None) -> More | None:
        """Return what is more than what counts already; None where nothing is.

        What counts is what the object is charged with, and else what it was before: but nothing where it waited, or
        was a part of something that it is no part of any more.
        """
        document = review.document or {}
        meaning = _meaning(review, document, now)
        if before is not None and before.paused and not now.paused and self._settings.trusts(review.user):
            # A queue starts what waited with more said of its nodes; it is the request that a person saw.
            meaning = _meaning(review, review.old or {}, before)
        charged = await self._known.charged(object_uid(document)) if before is not None else None
        left = before is not None and _left_its_owner(review)
        counted: Counts = {} if before is None or before.paused or left else before.amounts
        if charged is not None and not left:
            counted = charged
        same = before is not None and not left and before.paused == now.paused
        if same and before is not None and _meaning(review, review.old or {}, before) == meaning:
            return None
        longer = before is not None and not before.paused and _longer(now.demand.seconds, before.demand.seconds)
        amounts = now.amounts if longer else grown(now.amounts, counted)
        if not amounts and not now.unresolved:
            return None
        asked = Asked(
            kind=_kind(review, before),
            lines=as_lines(amounts),
            unresolved=now.unresolved,
            seconds=now.demand.seconds,
            ranged=now.demand.ranged,
            meaning=meaning,
        )
        return More(asked=asked, total=larger(counted, now.amounts), shape=dict(await self._shape(now)))

    # Scales

    async def _scaled(self, review: Review) -> Answer:
        """Decide on more replicas of what was learnt when the object was admitted."""
        replicas, before = replicas_of(review.document), replicas_of(review.old)
        if replicas <= before:
            return allow(review.uid)
        where = f"{review.resource}/{review.namespace}/{review.name}"
        uid = object_uid(review.old) or object_uid(review.document)
        one = None if uid is None else await self._known.lines("replica", uid)
        if one == ():
            return allow(review.uid)
        each = amounts_of(one or ())
        charged = await self._known.charged(uid)
        counted = charged if charged is not None else {name: count * before for name, count in each.items()}
        total = {name: count * replicas for name, count in each.items()}
        amounts = grown(total, counted)
        if one is not None and not amounts:
            return allow(review.uid)
        asked = Asked(
            kind=RequestKind.SCALE,
            lines=as_lines(amounts),
            unresolved=() if one is not None else (f"replica:{where}"[:200],),
            meaning={"scale": where, "replicas": replicas, "asks": {**total}},
        )
        return await self._decided(review, More(asked=asked, total=larger(counted, total), shape=each))

    # Deciding

    async def _decided(self, review: Review, more: More) -> Answer:
        """Let the object in if its growth is allowed, and note what it is charged with before it is there."""
        admission = await self._gate.decide_in_steps(request_of(review, more.asked, self._settings))
        if admission.refusal is not None:
            return deny(review.uid, admission.refusal)
        uid = object_uid(review.document)
        if admission.hold_id is not None and uid is not None:
            await self._known.charge(admission.hold_id, uid, more.total, more.shape)
            if review.kind.kind == "ResourceClaim":  # counted here, and nothing more with the pods that share it
                await self._known.learn("claim", f"{review.namespace}/{review.name}", ())
        return _allowed(review, admission)

    async def _waiting(self, review: Review, more: More) -> Answer:
        """Let an object in that waits, unless it is blocked; a person is asked now, and it is decided at its release.

        Nothing runs yet, so that nothing is charged and no grant is spent.
        """
        request = request_of(review, more.asked, self._settings)
        uid = object_uid(review.document)
        if uid is not None and not review.dry_run:
            await self._known.learn("waiting", uid, as_lines(more.shape))
        if await self._gate.granted(request):
            return allow(review.uid)
        admission = await self._gate.decide_in_steps(request)
        refusal = admission.refusal
        if refusal is None:
            if admission.hold_id is not None:
                await self._gate.store.release(admission.hold_id, admission.decision_id)
            return _allowed(review, admission)
        if refusal.code != "review-required":
            return deny(review.uid, refusal)
        told = paused_message(refusal, review.kind.kind)
        return allow(review.uid, warnings=(told,), decision_id=admission.decision_id)


def _allowed(review: Review, admission: Admission) -> Answer:
    warnings = tuple(f"kyc-gate: {rule}" for rule in admission.warnings)
    return allow(review.uid, warnings=warnings, decision_id=admission.decision_id)


def _meaning(review: Review, document: Object, ask: Ask) -> JsonValue:
    """Return what the object means and all that it asks for: neither may differ where two are to be the same."""
    kind = ".".join(filter(None, (review.kind.kind, review.kind.group)))
    asks: JsonValue = {**ask.amounts}
    return {
        "object": meaning_of(document, kind),
        "asks": asks,
        "unresolved": [*ask.unresolved],
        "seconds": ask.demand.seconds,
    }


def _left_its_owner(review: Review) -> bool:
    before, now = owner_of(review.old), owner_of(review.document)
    return before is not None and (now is None or now.uid != before.uid)


def _longer(now: int | None, before: int | None) -> bool:
    return before is not None and (now is None or now > before)


def _kind(review: Review, before: Ask | None) -> RequestKind:
    if before is None:
        return RequestKind.SUBMIT if "Job" in review.kind.kind else RequestKind.CREATE
    return RequestKind.START if before.paused else RequestKind.RESIZE
