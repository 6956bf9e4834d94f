"""An object of a JSON document, read field by field, so that what nobody read can be told afterwards."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Set
from decimal import Decimal

from kyc_gate.adapters.strict_json import JsonValue
from kyc_gate.adapters.values import count, digits
from kyc_gate.adapters.words import shown
from kyc_gate.errors import RefusedCall

_CAPITAL = re.compile(r"(?<!^)([A-Z])")
_SECONDS = re.compile(r"([0-9]{1,12})(?:\.([0-9]{1,9}))?s")

LONGEST_SECONDS = 10 * 366 * 86_400
"""Ten years. A run with a longer limit has no end that means anything, and counts as one without."""


def folded(name: str) -> str:
    """Return the name of a field as the most forgiving reader knows it."""
    return name.replace("_", "").lower()


def snake(name: str) -> str:
    """Return the name of a field as protocol buffers spell it: `machineType` is `machine_type`."""
    return _CAPITAL.sub(r"_\1", name).lower()


Free = Callable[[str, object], bool]
"""Says of a field, by its folded path and its value, whether a customer names freely what stands in it."""


def _nothing_is_free(path: str, value: object) -> bool:
    return False


class Fields:
    """One object. `any_case` takes a field in every case, as Azure does; otherwise it is in camel or in snake case, as
    Google's readers take it, or with `exact` only as it is asked for, and another spelling is refused.
    """

    def __init__(
        self,
        home: Mapping[str, JsonValue],
        path: str = "body",
        *,
        any_case: bool = False,
        exact: bool = False,
        read: set[int] | None = None,
    ) -> None:
        self.home = home
        self.path = path
        self._any_case = any_case
        self._exact = exact
        self._read: set[int] = set() if read is None else read
        self._keys: dict[str, list[str]] = {}
        for key in home:
            self._keys.setdefault(folded(key) if not any_case else key.lower(), []).append(key)

    def value(self, name: str) -> JsonValue:
        """Return the value of a field, None where it is absent or null. Raises `RefusedCall` 400 for odd spellings."""
        found = self._keys.get(name.lower() if self._any_case else folded(name), [])
        if not found:
            return None
        if len(found) > 1:
            raise RefusedCall(400, "field", f"{self.path} has {shown(name)} in two spellings; send it once")
        if not self._any_case and found[0] not in ((name,) if self._exact else (name, snake(name))):
            raise RefusedCall(400, "field", f"{self.path} has {shown(found[0])}; it is spelled `{name}`")
        self._read.add(_mark(self.home, found[0]))
        return self.home[found[0]]

    def has(self, name: str) -> bool:
        """Return whether the field is there and not null."""
        return self.value(name) is not None

    def part(self, name: str) -> Fields:
        """Return the object in a field, empty where it is absent."""
        value = self.value(name)
        if value is not None and not isinstance(value, dict):
            raise self._refused(name, value, "an object")
        return self._inner(value or {}, name)

    def parts(self, name: str) -> list[Fields]:
        """Return the objects in a list, empty where it is absent."""
        value = self.value(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self._refused(name, value, "a list of objects")
        found = []
        for index, each in enumerate(value):
            if not isinstance(each, dict):
                raise self._refused(name, each, "an object")
            found.append(self._inner(each, f"{name}[{index}]"))
        return found

    def members(self, name: str) -> list[tuple[str, Fields]]:
        """Return the objects of a field that maps names to objects."""
        home = self.part(name)
        found = []
        for key, each in home.home.items():
            if not isinstance(each, dict):
                raise self._refused(name, each, "an object")
            found.append((key, home._inner(each, key)))
        return found

    def text(self, name: str) -> str | None:
        """Return the text in a field, None where it is absent or empty."""
        value = self.value(name)
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            raise self._refused(name, value, "a text")
        return value

    def texts(self, name: str) -> list[str]:
        """Return the texts of a list, empty where it is absent."""
        value = self.value(name)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise self._refused(name, value, "a list of texts")
        return [each for each in value if isinstance(each, str)]

    def number(self, name: str, *, least: int = 0) -> int | None:
        """Return the count in a field, a whole number or its digits in a text; None where it is absent."""
        value = self.value(name)
        if value is None:
            return None
        if isinstance(value, str):
            return digits(value, f"{self.path}.{name}", least=least)
        if isinstance(value, Decimal) and value == value.to_integral_value():
            value = int(value)  # 8.0 is 8 to every reader of the clouds
        return count(value, f"{self.path}.{name}", least=least)

    def limit(self, name: str) -> int | None:
        """Return a number of seconds, as a number or its digits; None where there is none that means anything."""
        value = self.value(name)
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 12:
            value = int(value)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise self._refused(name, value, "a number of seconds")
        return value if 0 < value <= LONGEST_SECONDS else None

    def flag(self, name: str) -> bool:
        """Return the truth value in a field, false where it is absent."""
        value = self.value(name)
        if value is None or isinstance(value, bool):
            return bool(value)
        raise self._refused(name, value, "true or false")

    def seconds(self, name: str) -> int | None:
        """Return a duration such as `3600s`, rounded up; None where there is none that means anything."""
        value = self.value(name)
        if value is None:
            return None
        found = _SECONDS.fullmatch(value) if isinstance(value, str) else None
        if not found:
            raise self._refused(name, value, "a duration such as `3600s`")
        whole = int(found[1]) + bool((found[2] or "").strip("0"))
        return whole if 0 < whole <= LONGEST_SECONDS else None

    def unread(self, names: Set[str], is_free: Free = _nothing_is_free) -> list[str]:
        """Return the paths of fields whose folded name is one of `names` and that nobody read, below any depth.

        What `is_free` is left out with all that it holds.
        """
        return list(self._unread(self.home, self.path, names, is_free))

    def _unread(self, value: object, path: str, names: Set[str], is_free: Free) -> Iterator[str]:
        if isinstance(value, list):
            for index, each in enumerate(value):
                yield from self._unread(each, f"{path}[{index}]", names, is_free)
        elif isinstance(value, Mapping):
            for key, each in value.items():
                name = folded(key)
                if is_free(f"{path}.{key}".replace("_", "").lower(), each):
                    continue
                if name in names and each not in (None, "", 0, []) and _mark(value, key) not in self._read:
                    yield f"{path}.{key}"
                yield from self._unread(each, f"{path}.{key}", names, is_free)

    def _inner(self, home: Mapping[str, JsonValue], name: str) -> Fields:
        return Fields(home, f"{self.path}.{name}", any_case=self._any_case, exact=self._exact, read=self._read)

    def _refused(self, name: str, value: object, meant: str) -> RefusedCall:
        return RefusedCall(400, "field", f"{self.path}.{name} {shown(value)} is not {meant}")


def _mark(home: Mapping[str, JsonValue], key: str) -> int:
    return hash((id(home), key))
