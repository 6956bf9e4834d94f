"""`kyc-gate audit`: the record verified, proved, exported, signed, and erased where its time is over."""

from __future__ import annotations

import argparse
import asyncio
import base64
import getpass
import json
import os
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from kyc_gate.audit.checkpoint import Checkpoint, Verifier, new_signer, read_checkpoint, read_verifier
from kyc_gate.audit.cosignature import Seen, Witness, read_cosignatures, read_witness
from kyc_gate.audit.proof import check_proof, write_proof
from kyc_gate.audit.verify import Verified, verify
from kyc_gate.cli.lines import numbered_rows
from kyc_gate.cli.output import UsageError, add_json, for_people, print_json, print_table
from kyc_gate.cli.state import add_config, opened_store
from kyc_gate.errors import ChainBroken, InputError
from kyc_gate.service.config import Configuration
from kyc_gate.service.settings import settings_of, signer_of, verifiers_of
from kyc_gate.storage.store import Store


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    steps = parser.add_subparsers(dest="step", metavar="STEP", required=True)
    verifying = steps.add_parser("verify", help="verify every record, link and checkpoint", allow_abbrev=False)
    verifying.add_argument("--input", metavar="FILE", help="verify an exported file instead of the store")
    verifying.add_argument("--config", metavar="FILE", help="the configuration file, such as kyc-gate.toml")
    verifying.add_argument("--head", metavar="HASH", help="a hash noted earlier, which the chain must pass through")
    verifying.add_argument("--checkpoints", metavar="FILE", help="checkpoints that were kept elsewhere")
    verifying.add_argument(
        "--witness", action="append", default=[], metavar="KEY", help="a witness that must have signed a checkpoint"
    )
    _add_keys(verifying)
    proving = steps.add_parser("prove", help="prove a record's place, or that the log only grew", allow_abbrev=False)
    proving.add_argument("--decision", metavar="ID", help="the record of this decision")
    proving.add_argument("--position", type=int, metavar="N", help="the record at this position")
    proving.add_argument("--since", type=int, metavar="SIZE", help="that the checkpoint of this size is a beginning")
    proving.add_argument("--with-personal", action="store_true", help="add what it says of people, and the salt")
    add_config(proving)
    checking = steps.add_parser("check", help="check what `prove` wrote, without a store", allow_abbrev=False)
    checking.add_argument("--input", metavar="FILE", required=True, help="the file")
    _add_keys(checking)
    exporting = steps.add_parser("export", help="write the records, one JSON object a line", allow_abbrev=False)
    exporting.add_argument("--output", metavar="FILE", help="write to this new file (default: standard output)")
    exporting.add_argument("--without-personal", action="store_true", help="leave out what records say of people")
    add_config(exporting)
    keygen = steps.add_parser("keygen", help="make a key that signs checkpoints", allow_abbrev=False)
    keygen.add_argument("--name", required=True, help="the log's name, such as kyc.example.com/gate")
    keygen.add_argument("--output", metavar="FILE", required=True, help="the new file for the private key")
    checkpoint = steps.add_parser("checkpoint", help="print the last checkpoint, signed now if need be")
    add_config(checkpoint)
    erasing = steps.add_parser("erase", help="erase what records say of people when their time is over")
    erasing.add_argument("--because", metavar="WHY", help="why; without it nothing is erased, and the number is told")
    add_config(erasing)
    holding = steps.add_parser("hold", help="place, release or list legal holds, which beat erasure")
    holding.add_argument("--party", metavar="ID", help="whose records are kept")
    holding.add_argument("--everybody", action="store_true", help="keep all records")
    holding.add_argument("--release", metavar="HOLD", help="the legal hold to release")
    holding.add_argument("--because", metavar="WHY", help="who asked for it, and in which matter")
    add_config(holding)
    for step in (verifying, proving, checking, exporting, keygen, checkpoint, erasing, holding):
        add_json(step)


def _add_keys(step: argparse.ArgumentParser) -> None:
    step.add_argument(
        "--key", action="append", default=[], metavar="KEY", help="a public key, `name+id+key`; may be given again"
    )


def run(options: argparse.Namespace) -> int:
    """Do the step."""
    match options.step:
        case "verify":
            return _verify(options)
        case "check":
            return _check(options)
        case "keygen":
            return _keygen(options)
        case "export":
            return _export(options)
        case "prove":
            return asyncio.run(_prove(options))
        case "checkpoint":
            return asyncio.run(_checkpoint(options))
        case "erase":
            return asyncio.run(_erase(options))
        case _:
            return asyncio.run(_hold(options))


def _verify(options: argparse.Namespace) -> int:
    if (options.input is None) == (options.config is None):
        raise UsageError("give `--config FILE` or `--input FILE`")
    given = [read_verifier(text) for text in options.key]
    witnesses = [read_witness(text) for text in options.witness]
    if witnesses and not options.checkpoints:
        raise UsageError("`--witness` needs `--checkpoints FILE`: the notes that witnesses signed")
    if options.checkpoints and options.input and not given:
        raise UsageError("`--checkpoints` needs `--key KEY`: whose signature counts")
    try:
        if options.input:
            known = _known(options.checkpoints, given)
            verified = verify(_exported(options.input), expected_head=options.head, checkpoints=known)
        else:
            verified, known = asyncio.run(_verify_store(options, given))
        seen = [_newest(witness, known) for witness in witnesses]
    except ChainBroken as error:
        if options.json:
            print_json({"verified": False, "error": str(error)})
        raise
    if options.json:
        print_json(
            {
                "verified": True,
                "records": verified.records,
                "head": verified.head,
                "root": verified.root,
                "checkpoints": verified.checkpoints,
                "erased": verified.erased,
                "backwards": verified.backwards,
                "witnesses": [{"name": each.witness, "size": size, "at": each.at.isoformat()} for size, each in seen],
            }
        )
    else:
        print(f"{verified.records} records verify; head {verified.head}")
        print(
            f"root {verified.root}; {verified.checkpoints} checkpoints agree; {verified.erased} sealed parts are gone"
        )
        for size, each in seen:
            print(f"{each.witness} saw the first {size} records at {each.at:%Y-%m-%d %H:%M:%S} UTC")
        if verified.backwards:
            print(f"{verified.backwards} records are older than the one before: a clock was put back there")
    return 0


def _newest(witness: Witness, known: Sequence[Checkpoint]) -> tuple[int, Seen]:
    """Return the largest size at which the witness saw the log. Raises `ChainBroken` where it signed none of these."""
    found = [(each.size, seen) for each in known for seen in read_cosignatures(each.note, [witness])]
    if not found:
        raise ChainBroken(f"none of the checkpoints is cosigned by `{witness.name}`")
    return max(found, key=lambda each: (each[0], each[1].at))


def _exported(source: str) -> Iterator[dict[str, object]]:
    for number, read in numbered_rows(source, exact=False):
        try:
            yield read()
        except InputError as error:
            raise ChainBroken(f"`{source}` line {number}: {error}") from error


async def _verify_store(options: argparse.Namespace, given: Sequence[Verifier]) -> tuple[Verified, list[Checkpoint]]:
    """Verify against the checkpoints in the store and those kept elsewhere; return these too."""
    async with opened_store(options.config) as (configuration, store):
        keys = (*given, *verifiers_of(configuration))
        kept = await store.fetch_checkpoints() if keys else ()
        known = [read_checkpoint(each.note, keys) for each in kept] + _known(options.checkpoints, keys)
        return await store.verify(expected_head=options.head, checkpoints=known), known


def _known(file: str | None, keys: Sequence[Verifier]) -> list[Checkpoint]:
    """Return the checkpoints of a file in which each ends with a blank line, as the gate adds them."""
    if file is None:
        return []
    # A note has one blank line inside: its text and its signatures are two of the pieces.
    pieces = [piece for piece in Path(file).read_text(encoding="utf-8").split("\n\n") if piece.strip()]
    if len(pieces) % 2:
        raise ChainBroken(f"`{file}` ends in the middle of a checkpoint")
    pairs = zip(pieces[::2], pieces[1::2], strict=True)
    return [
        read_checkpoint(f"{text.lstrip(chr(10))}\n\n{signatures.rstrip(chr(10))}\n", keys) for text, signatures in pairs
    ]


async def _prove(options: argparse.Namespace) -> int:
    """Print a proof under the last checkpoint, with all that is needed to check it."""
    if sum(each is not None for each in (options.decision, options.position, options.since)) != 1:
        raise UsageError("give one of `--decision ID`, `--position N` and `--since SIZE`")
    async with opened_store(options.config) as (configuration, store):
        last = await _last(configuration, store)
        keys = [key.text for key in verifiers_of(configuration)]
        if options.since is not None:
            print_json({**await _consistency(store, options.since, last), "keys": keys})
            return 0
        position = options.position or await store.fetch_position(options.decision)
        record = await store.fetch_record(position) if position else None
        if record is None:
            raise InputError("there is no such record")
        hashes = await store.prove_inclusion(record.position, last.size)
        found: dict[str, object] = {
            "record": record.body,
            "proof": write_proof(record.position - 1, hashes, last),
            "keys": keys,
        }
        if options.with_personal:
            found |= {"personal": record.personal, "salt": record.salt}
        print_json(found)
    return 0


async def _consistency(store: Store, since: int, last: Checkpoint) -> dict[str, object]:
    before = await store.fetch_checkpoint(since)
    if before is None:
        raise InputError(f"no checkpoint was signed at {since} records; `--since` names the size of one")
    hashes = await store.prove_consistency(since, last.size)
    return {
        "before": before.note,
        "now": last.note,
        "consistency": [base64.b64encode(each).decode("ascii") for each in hashes],
    }


def _check(options: argparse.Namespace) -> int:
    """Check a proof of `prove` against keys that were handed over before; those in the file prove nothing."""
    from kyc_gate.audit.merkle import check_consistency
    from kyc_gate.audit.seal import require_sealed

    if not options.key:
        raise UsageError("give `--key KEY`: a proof that brings its own key proves nothing")
    keys = [read_verifier(text) for text in options.key]
    try:
        found = json.loads(Path(options.input).read_text(encoding="utf-8"))
        if "consistency" in found:
            before, now = read_checkpoint(found["before"], keys), read_checkpoint(found["now"], keys)
            hashes = [base64.b64decode(each, validate=True) for each in found["consistency"]]
            check_consistency(before.size, now.size, hashes, bytes.fromhex(before.root), bytes.fromhex(now.root))
            said = f"the log of {before.size} records is the beginning of that of {now.size}"
        else:
            known = check_proof(found["proof"], found["record"], keys)
            if found.get("personal") is not None:
                require_sealed(0, found["record"], found["salt"], found["personal"])
            said = f"the record is among the {known.size} of `{known.origin}`"
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"`{options.input}` is not what `audit prove` writes: {error}") from error
    if options.json:
        print_json({"proved": True, "says": said})
    else:
        print(said)
    return 0


async def _checkpoint(options: argparse.Namespace) -> int:
    async with opened_store(options.config) as (configuration, store):
        last = await _last(configuration, store)
    if options.json:
        print_json({"size": last.size, "root": last.root, "origin": last.origin, "note": last.note})
    else:
        print(last.note, end="")
    return 0


async def _last(configuration: Configuration, store: Store) -> Checkpoint:
    """Return the newest checkpoint, signed now where there is a key and something new. Raises `InputError`."""
    signer = signer_of(configuration)
    if signer is not None:
        await store.sign_checkpoint(signer)
    last = await store.fetch_last_checkpoint()
    if last is None:
        raise InputError("no checkpoint was signed; set `audit.key`, which `kyc-gate audit keygen` makes")
    return last


def _keygen(options: argparse.Namespace) -> int:
    signer = new_signer(options.name)
    with open(os.open(options.output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as out:
        out.write(f"{signer.text}\n")
    if options.json:
        print_json({"public": signer.verifier.text, "file": options.output})
    else:
        print(signer.verifier.text)
    return 0


def _export(options: argparse.Namespace) -> int:
    """Write the records as they are chained. A file that exists is not written over."""
    if options.output is None:
        asyncio.run(_write(options, sys.stdout))
        return 0
    with open(options.output, "x", encoding="ascii") as out:
        asyncio.run(_write(options, out))
    return 0


async def _write(options: argparse.Namespace, out: TextIO) -> None:
    from kyc_gate.audit.record import PARTS, SALT, SEAL

    async with opened_store(options.config) as (_, store):
        async for record in store.records():
            if options.without_personal and SEAL in record:
                record = {name: value for name, value in record.items() if name not in (*PARTS, SALT)}
            print(json.dumps(record, ensure_ascii=True, allow_nan=False), file=out)


async def _erase(options: argparse.Namespace) -> int:
    now = datetime.now(UTC)
    async with opened_store(options.config) as (configuration, store):
        periods = settings_of(configuration).periods
        due, kept = await store.count_due(periods, now)
        cases, cases_kept = await store.count_due_papers(periods, now)
        gone = cases_gone = 0
        if options.because:
            by = getpass.getuser()
            gone = await store.erase_due(periods, by=by, because=options.because, at=now)
            cases_gone = await store.erase_papers(periods, by=by, because=options.because, at=now)
    if options.json:
        of_cases = {"due": cases, "kept_by_hold": cases_kept, "erased": cases_gone}
        print_json({"due": due, "kept_by_hold": kept, "erased": gone, "cases": of_cases})
    else:
        print(f"{due} records are past their time, {kept} more are kept by a legal hold; {gone} erased")
        print(f"{cases} cases hold papers past their time, {cases_kept} more are kept by a hold; {cases_gone} erased")
        if (due or cases) and not options.because:
            print("give `--because WHY` to erase them")
    return 0


async def _hold(options: argparse.Namespace) -> int:
    now, by = datetime.now(UTC), getpass.getuser()
    places = bool(options.party) or options.everybody
    if places and (options.release or (options.party and options.everybody)):
        raise UsageError("give one of `--party ID`, `--everybody` and `--release HOLD`")
    if (places or options.release) and not options.because:
        raise UsageError("`--because WHY` is missing: a legal hold says who asked for it")
    async with opened_store(options.config) as (_, store):
        if places:
            await store.place_hold(party_id=options.party or "", because=options.because, by=by, at=now)
        elif options.release:
            await store.release_hold(options.release, by=by, because=options.because, at=now)
        standing = await store.fetch_legal_holds()
    if for_people(options.json):
        rows = [
            [each.id, each.party_id or "everybody", f"{each.placed_at:%Y-%m-%d}", each.because] for each in standing
        ]
        print_table(("hold", "party", "since", "because"), rows)
    else:
        for each in standing:
            print_json({"id": each.id, "party_id": each.party_id, "because": each.because, "by": each.by})
    return 0
