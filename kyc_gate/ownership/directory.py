"""The parties on file as a directory of owners: who an owner is, by id or by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache

from kyc_gate.model.party import Owner, Party, PartyKind
from kyc_gate.names.normalize import normalize_name


@lru_cache(maxsize=262_144)
def folded(name: str) -> str:
    """Return `name` in comparison form without its legal form, or nothing where it says nothing."""
    return " ".join(normalize_name(name).core)


class Directory(Mapping[str, Party]):
    """Parties by id, and companies by folded name. It is built once for a reading of what is on file.

    An owner that gives no id is the company on file of the same name: leaving the id out takes nobody out of a chain.
    """

    def __init__(self, parties: Mapping[str, Party]) -> None:
        self._parties = dict(parties)
        self._named: dict[str, tuple[str, ...]] | None = None
        self._served: dict[str, list[str]] | None = None

    @classmethod
    def of(cls, parties: Mapping[str, Party]) -> Directory:
        """Return `parties` as a directory, as it is if it is one."""
        return parties if isinstance(parties, Directory) else cls(parties)

    @classmethod
    def after(cls, before: Directory, parties: Mapping[str, Party]) -> Directory:
        """Return the directory of `parties`; what an earlier one knows of parties that are the same is taken over."""
        found = cls(parties)
        if before._named is not None:
            found._named = dict(before._named)
            for id in found.changed_since(before):
                found._rename(id, before._parties.get(id), found._parties.get(id))
        return found

    def changed_since(self, before: Directory) -> set[str]:
        """Return the ids of parties that are not the same records as before."""
        then, now = before._parties, self._parties
        return {id for id, party in now.items() if then.get(id) is not party} | (then.keys() - now.keys())

    def __getitem__(self, id: str) -> Party:
        """Return the party with an id."""
        return self._parties[id]

    def __iter__(self) -> Iterator[str]:
        """Go through the ids."""
        return iter(self._parties)

    def __len__(self) -> int:
        """Return how many parties are on file."""
        return len(self._parties)

    def with_party(self, party: Party) -> Directory:
        """Return the directory with `party` in the place of the one that has its id."""
        return self if self._parties.get(party.id) is party else Directory({**self._parties, party.id: party})

    def named(self, name: str) -> tuple[Party, ...]:
        """Return the companies on file that bear this name in any spelling."""
        if self._named is None:
            self._named = self._by_name()
        return tuple(self._parties[id] for id in self._named.get(folded(name), ()))

    def holders(self, owner: Owner) -> tuple[Party, ...]:
        """Return who on file the owner is: by id, else every company of its name, else nobody."""
        if owner.party_id is not None:
            known = self._parties.get(owner.party_id)
            return (known,) if known else self.named(owner.name)
        return self.named(owner.name)

    def employers(self, manager: str) -> tuple[Party, ...]:
        """Return the parties on file with a manager of this name."""
        if self._served is None:
            self._served = {}
            for party in self._parties.values():
                for each in party.managers or ():
                    self._served.setdefault(folded(each.name), []).append(party.id)
        name = folded(manager)
        return tuple(self._parties[id] for id in dict.fromkeys(self._served.get(name, ()))) if name else ()

    def _by_name(self) -> dict[str, tuple[str, ...]]:
        found: dict[str, list[str]] = {}
        for party in self._parties.values():
            if name := _company_name(party):
                found.setdefault(name, []).append(party.id)
        return {name: tuple(sorted(ids)) for name, ids in found.items()}

    def _rename(self, id: str, then: Party | None, now: Party | None) -> None:
        """Put a party under its name, where it was under another or under none."""
        names = self._named if self._named is not None else {}
        if then is not None and (name := _company_name(then)):
            names[name] = tuple(each for each in names[name] if each != id)
        if now is not None and (name := _company_name(now)):
            names[name] = tuple(sorted((*names.get(name, ()), id)))


def _company_name(party: Party) -> str:
    return "" if party.kind is PartyKind.PERSON else folded(party.name)
