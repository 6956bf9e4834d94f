"""What screening finds and what it wrongly flags, beside rapidfuzz WRatio and nomenklatura logic-v1 and logic-v2.

The peers run in an environment of their own (`make peers`); without it their columns say so.
"""

from __future__ import annotations

import json
import subprocess
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec
from rapidfuzz import fuzz, utils

from benchmarks import labelled
from kyc_gate.model.listing import ListEntry, ListSnapshot
from kyc_gate.model.match import ScreeningOutcome
from kyc_gate.names.normalize import normalize_name
from kyc_gate.names.scorer import Scorer
from kyc_gate.names.treasury import treasury_score
from kyc_gate.names.variants import listed_forms, readings_of
from kyc_gate.screening.asked import Asked
from kyc_gate.screening.screener import POSSIBLE, Screener
from kyc_gate.service.screen_input import ScreenInput, asked_of

HOUSE = Path(__file__).resolve().parents[1]
PEERS = HOUSE / ".venv-peers" / "bin" / "python"

PEER_LINES = {"WRatio": 0.9, "logic-v1": 0.7, "logic-v2": 0.7}
"""The line at which each peer says that two names match: its documentation's own."""

ALWAYS = frozenset(
    "bidi_isolate_marks bidi_override circled_letters combining_overlay emoji_inserted fullwidth hangul_filler homoglyph_cherokee "
    "homoglyph_cyrillic homoglyph_cyrillic_single homoglyph_greek invisible_times latin_diacritics math_alphanumeric_bold "
    "math_alphanumeric_fraktur nbsp_and_exotic_spaces small_capitals soft_hyphen superscript_letters tab_newline_injected "
    "tag_characters variation_selector word_joiner_bom zero_width_joiner zero_width_space punctuation_noise underscores_dots "
    "parenthesised legal_form_changed suffix_spacing real_case_case_and_suffix split_across_fields".split()
)
"""Techniques of which none may be missed: Unicode, punctuation, legal forms, and names split over fields."""

Names = Sequence[str]


def peer_scores(pairs: Sequence[tuple[Names, Names, str]]) -> dict[str, list[float]]:
    """Return the scores of every peer for pairs of names, best over the names; without the peers' environment, WRatio's."""
    found = {"WRatio": [_wratio(query, target) for query, target, _ in pairs]}
    if not PEERS.exists():
        return found
    lines = "\n".join(json.dumps({"query": list(q), "target": list(t), "schema": schema}) for q, t, schema in pairs)
    script = HOUSE / "benchmarks" / "peers.py"
    ran = subprocess.run([str(PEERS), str(script)], input=lines, capture_output=True, text=True, check=True)
    rows = [json.loads(line) for line in ran.stdout.splitlines() if line.startswith("{")]
    return found | {name: [row[name] for row in rows] for name in rows[0]}


def _wratio(query: Names, target: Names) -> float:
    return max(fuzz.WRatio(one, other, processor=utils.default_process) for one in query for other in target) / 100


def best_f1(scores: Iterable[float], labels: Iterable[bool]) -> tuple[float, float]:
    """Return the best F1 over all lines, and its line."""
    ranked = sorted(zip(scores, labels, strict=True), reverse=True)
    positives = sum(label for _, label in ranked)
    best = (0.0, 0.0)
    right = 0
    for count, (score, label) in enumerate(ranked, start=1):
        right += label
        if count == len(ranked) or ranked[count][0] != score:
            best = max(best, (2 * right / (count + positives), score))
    return best


def _asked(row: dict[str, Any]) -> Asked:
    query = row["query"]
    return asked_of(msgspec.convert({"name": query} if isinstance(query, str) else query, ScreenInput))


def evasions(rows: list[dict[str, Any]], title: str) -> None:
    """Print what is found of the evasions and flagged of the look-alikes, beside the peers."""
    snapshot = labelled.watchlist()
    screener = Screener(snapshot)
    found = [screener.screen_party(_asked(row)) for row in rows]
    flagged = {"kyc_gate": [{match.entry_id for match in one.matches} for one in found]}
    names = {entry.id: [entry.name, *(alias.name for alias in entry.aliases)] for entry in snapshot.entries}
    pairs = [(_asked(row).names, target, "LegalEntity") for row in rows for target in names.values()]
    for peer, scores in peer_scores(pairs).items():
        width = len(names)
        flagged[peer] = [
            {key for key, score in zip(names, scores[place * width :], strict=False) if score >= PEER_LINES[peer]}
            for place in range(len(rows))
        ]
    print(f"  {title}: {len(rows)} labelled queries over {len(names)} entries")
    for engine, ids in flagged.items():
        evaded = [row["true_id"] in own for row, own in zip(rows, ids, strict=True) if row["label"] == "match"]
        clear = [bool(own) for row, own in zip(rows, ids, strict=True) if row.get("max_action") == "allow"]
        doubt = [bool(own) for row, own in zip(rows, ids, strict=True) if row.get("max_action") == "review"]
        print(
            f"    {engine:10} found {_share(evaded)}   look-alikes flagged {_share(clear)}   to review at most {_share(doubt)}"
        )
    wrong = [
        row["query"]
        for row, one in zip(rows, found, strict=True)
        if row.get("max_action") == "review" and one.outcome is ScreeningOutcome.MATCH
    ]
    print(f"    kyc_gate calls {len(wrong)} look-alikes a match that deserve a review")
    _techniques(rows, flagged["kyc_gate"])


def _share(values: Sequence[bool]) -> str:
    return f"{sum(values) / len(values):6.1%}" if values else "   n/a"


def _techniques(rows: list[dict[str, Any]], flagged: list[set[str]]) -> None:
    missed: dict[str, list[object]] = defaultdict(list)
    counted = 0
    for row, own in zip(rows, flagged, strict=True):
        if row["label"] == "match" and row["technique"] in ALWAYS:
            counted += 1
            if row["true_id"] not in own:
                missed[row["technique"]].append(row["query"])
    print(
        f"    Unicode, punctuation, legal forms, fields: {counted - sum(map(len, missed.values()))} of {counted} {dict(missed) or ''}"
    )


def pairs_of_names() -> None:
    """Print the best F1 on labelled pairs, beside the peers."""
    rows = labelled.name_pairs()
    labels = [label for *_, label in rows]
    scores = {"kyc_gate": [score_of(query, target) for query, target, _ in rows]}
    scores |= peer_scores([((query,), (target,), "LegalEntity") for query, target, _ in rows])
    held = [labelled.is_held_out(query + target) for query, target, _ in rows]
    print(f"  labelled pairs: {len(rows)}")
    for engine, own in scores.items():
        value, line = best_f1(own, labels)
        aside, _ = best_f1(
            [s for s, h in zip(own, held, strict=True) if h], [v for v, h in zip(labels, held, strict=True) if h]
        )
        print(f"    {engine:10} best F1 {value:.3f} at {line:.2f}   held out {aside:.3f}")


def score_of(query: str, target: str) -> float:
    """Return the score of two names without a list, the best over their readings."""
    scorer = Scorer({})
    asked = [scorer.prepare(one.words, guessed=one.guessed) for one in readings_of(query, normalize_name(query))]
    listed = [scorer.prepare(words) for words in listed_forms(target, normalize_name(target))]
    return max((scorer.score(one, other) for one in asked for other in listed), default=0.0)


def retrieval(title: str, snapshot: ListSnapshot, rows: list[list[str]], *, peers: bool = False) -> None:
    """Print how often the true entry is first, and among the first ten."""
    screener = Screener(snapshot, possible=0.01, match=0.99)
    ranked = [[match.entry_id for match in screener.screen([row[3]]).matches] for row in rows]
    print(f"  {title}: {len(rows)} queries, {len(snapshot.entries)} entries")
    _recalls("kyc_gate", rows, ranked)
    if peers:
        names = {entry.id: [entry.name, *(alias.name for alias in entry.aliases)] for entry in snapshot.entries}
        pairs = [
            ((row[3],), names[key], "Person" if row[2] == "P" else "Organization")
            for row, own in zip(rows, ranked, strict=True)
            for key in own
        ]
        for peer, scores in peer_scores(pairs).items():
            left = iter(scores)
            again = [sorted(own, key=lambda _: -next(left)) for own in ranked]
            _recalls(f"{peer} on the same candidates", rows, again)


def _recalls(engine: str, rows: list[list[str]], ranked: list[list[str]]) -> None:
    first = sum(own[:1] == [row[1]] for row, own in zip(rows, ranked, strict=True)) / len(rows)
    ten = sum(row[1] in own[:10] for row, own in zip(rows, ranked, strict=True)) / len(rows)
    print(f"    {engine:10} R@1 {first:.3f}   R@10 {ten:.3f}")


def primaries(snapshot: ListSnapshot) -> ListSnapshot:
    """Return the snapshot without its aliases."""
    entries = tuple(ListEntry(list=entry.list, id=entry.id, name=entry.name) for entry in snapshot.entries)
    return ListSnapshot(digest="primaries", entries=entries, lists=snapshot.lists)


def clean_parties() -> None:
    """Print the share of clean companies and people that is flagged against the whole published list."""
    snapshot = labelled.published_list()
    screener = Screener(snapshot)
    targets = [name for entry in snapshot.entries for name in (entry.name, *(alias.name for alias in entry.aliases))]
    processed = [utils.default_process(name) for name in targets]
    from rapidfuzz import process

    for title, names in (
        ("companies", labelled.clean_companies()),
        ("people", [n for n in labelled.clean_people() if n]),
    ):
        ours = [bool(screener.screen([name]).matches) for name in names]
        some = names[::20]
        theirs = [
            process.extractOne(utils.default_process(name), processed, scorer=fuzz.WRatio, score_cutoff=90) is not None
            for name in some
        ]
        print(
            f"  clean {title} flagged of {len(names)}: kyc_gate {_share(ours)}; WRatio at 90, of {len(some)}: {_share(theirs)}"
        )


def main() -> None:
    """Print the tables."""
    if not labelled.DATA.is_dir():
        print(f"names: skipped, the labelled names are not at {labelled.DATA}")
        return
    if not PEERS.exists():
        print("names: nomenklatura is not installed; `make peers` sets it up")
    print(f"names: review from {POSSIBLE}")
    rows = labelled.queries()
    evasions([row for row in rows if not labelled.is_held_out(row["id"])], "evasions")
    evasions([row for row in rows if labelled.is_held_out(row["id"])], "evasions, held out")
    pairs_of_names()
    perturbed = labelled.rows("perturbed_queries.tsv")
    corpus = labelled.corpus()
    retrieval("perturbed names", corpus, [row for row in perturbed if row[0] != "un-script"], peers=True)
    retrieval("UN names in original script", corpus, [row for row in perturbed if row[0] == "un-script"], peers=True)
    aliases = labelled.rows("ofac_alias_queries.tsv")
    retrieval(
        "OFAC aliases, primary names listed", primaries(labelled.corpus("corpus_100k.tsv.gz")), aliases, peers=True
    )
    clean_parties()
    shown = [row for row in labelled.treasury_scores() if row[2] >= 0]
    near = [abs(treasury_score(query, target) - score) <= 2 for query, target, score in shown]
    print(f"  Treasury's own scores within two points: {_share(near)} of {len(shown)}")


if __name__ == "__main__":
    main()
