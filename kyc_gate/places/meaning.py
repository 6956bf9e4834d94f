"""Which place a name means when nothing else is said: one that is large enough, and that has no rival abroad."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from kyc_gate.places.gazetteer import CITY, LARGE, SUBDIVISION, Place
from kyc_gate.places.postal import postal_code_fits
from kyc_gate.places.reading import Reading
from kyc_gate.places.writing import countries_writing

DOMINANCE = 10
"""How many times larger than the next country's a city must be for its name alone to mean it. Measured on head offices
of 64,933 companies and institutions: of those with such a name 98.9 % and 99.2 % were in the larger city's country."""

DOMINANCE_TRANSLATED = 100
"""The same where nobody whose name it is writes in its script: San Francisco of California and that of Argentina are
one word to a Russian."""

DOMINANCE_IN_HAN = 1000
"""The same in Chinese characters, in which towns of China, Japan and Taiwan often share a name."""

DOMINANCE_OVER_RIVAL = 100
"""The same over a town abroad with `RIVAL` people or more, or a region, whose own name it is: a party in Madrid of
Colombia writes no other name than one in Madrid. Of 30,304 cities that are known by their name it costs 127."""

RIVAL = 5_000
"""People of a town abroad from which on it is a rival. Of smaller ones few parties are known by the town alone."""

TOWNS_OF_THE_NAME = 3
"""Countries with a town of the name from which on a city's name in another language says nothing alone."""

SMALLEST_ALONE = 50_000
"""People that a city must have for its own name in Latin letters to say a country alone: villages, quarters and
estates all over the world are called like a smaller one, and are in no table."""

SMALLEST_AT_HOME = 15_000
"""The same in a script that its country writes, and few others."""

SMALLEST_TRANSLATED = 500_000
"""The same for a name that is not its own, in a script that its country does not write, or for a saint's: small towns
of everywhere are written alike there, and every province that Spain or Portugal held has one of each saint."""

_STATES_FOLLOW = frozenset({"US", "CA", "AU", "GB"})
"""Countries whose lesser towns write their state or county after the name: `Paris, Texas`, `Boston, Lincolnshire`."""

_SAINT = re.compile(r"(?:san|santa|santo|sao|saint|sainte|st|sankt|sant)\b", re.IGNORECASE)

_PART_OF_A_CITY = re.compile(r"\b(?:sub)?(?:district|county|quarter|ward|township|borough)$", re.IGNORECASE)
"""What cities and regions of many countries are divided into: such a name says no country alone."""

_SAME_NAMES = (frozenset({"CN", "HK", "MO", "TW", "JP"}), frozenset({"KP", "KR"}))
"""States that write the same names, in the same letters."""


def meant(reading: Reading) -> Place | None:
    """Return the place that a reading means, if its name alone can say so."""
    return leading(reading.places, countries_writing(reading.text))


def leading(places: Iterable[Place], writers: frozenset[str] | None = None) -> Place | None:
    """Return the place that a name alone means: in the only country that has one, or ten times the next one's size.

    A place's other names count a tenth beside a first name: `London` is not the city that is called so in one language.
    A name in the script of some countries (`writers`) means a town of theirs before one that they only have a name for.
    """
    candidates = list(places)
    firsts = any(place.first for place in candidates)
    sizes: dict[str, tuple[float, Place]] = {}
    for place in candidates:
        size = place.renown * _weight(place, firsts=firsts)
        if size > sizes.get(place.country, (0.0, place))[0]:
            sizes[place.country] = (size, place)
    ranked = sorted(sizes.values(), key=lambda each: -each[0])
    if not ranked:
        return None
    margin = DOMINANCE if firsts else DOMINANCE_TRANSLATED
    if writers and not firsts:
        at_home = [each for each in ranked if each[1].country in writers]
        if at_home and ranked[0][1].country not in writers:
            return None  # Montana, in Cyrillic: the town of Bulgaria, or the state that is larger
        if at_home:
            margin = DOMINANCE_IN_HAN if len(at_home) > 1 and {"CN", "JP"} <= writers else DOMINANCE
    if len(ranked) > 1 and ranked[0][0] < margin * ranked[1][0]:
        return None
    found = ranked[0][1]
    others = [place for place in candidates if place.country != found.country]
    return None if _disputed(found, candidates, others) else found


def _weight(place: Place, *, firsts: bool) -> float:
    return 1.0 if place.first or not firsts else 0.1


def _disputed(found: Place, candidates: list[Place], others: list[Place]) -> bool:
    """Return whether a name is too good a name of other places for the size of one to tell.

    `Roma` is Rome in Italian, unless it is one of the towns that are called Roma and nothing else. Two states that
    write the same names have towns of one name, and size says nothing about which state is meant.
    """
    if any(place.country in names and found.country in names for place in others for names in _SAME_NAMES):
        return True
    mine = [place for place in candidates if place.country == found.country]
    if any(place.first and place.kind == CITY for place in mine) or all(place.kind == SUBDIVISION for place in mine):
        return False
    towns = [place for place in others if place.first and place.kind == CITY]
    return len({place.country for place in towns}) >= TOWNS_OF_THE_NAME or any(place.renown >= RIVAL for place in towns)


def rival(reading: Reading, found: Place, text: str) -> Place | None:
    """Return the place abroad whose own name it is, too, and that is not too small beside the one found to be meant.

    A postal code at the end of `text` that is one of the found place's country and none of the rival's settles it.
    """
    size = max(place.renown * _weight(place, firsts=True) for place in reading.places if place.country == found.country)
    rivals = [
        place
        for place in reading.places
        if place.first
        and place.country not in {found.country, *_STATES_FOLLOW}
        and (place.kind == SUBDIVISION or (place.kind == CITY and place.renown >= RIVAL))
        and size < DOMINANCE_OVER_RIVAL * place.renown
    ]
    if rivals and postal_code_fits(text, found.country):
        rivals = [place for place in rivals if postal_code_fits(text, place.country) is not False]
    return max(rivals, key=lambda place: place.renown, default=None)


def namesake(reading: Reading, region: Place) -> Place | None:
    """Return the town abroad that bears a subdivision's name: `Andalucia` is Spain's, and a town of Colombia.

    Where a subdivision has its name from its own capital, it is the capital that has to be larger: Jaen.
    """
    own = [place for place in reading.places if place.kind == CITY and place.country == region.country and place.first]
    capital = max((place.people for place in own), default=0)
    state = region.people if "-" in region.region else 0
    least = max(RIVAL, capital // DOMINANCE, state // DOMINANCE_OVER_RIVAL)
    towns = [
        place for place in reading.places if place.first and place.country not in {region.country, *_STATES_FOLLOW}
    ]
    return max((town for town in towns if town.renown > least), key=lambda town: town.renown, default=None)


def smallest_alone(name: str, place: Place) -> int:
    """Return how many people a city must have for `name` alone to say where it is."""
    writers = countries_writing(name)
    if writers is not None:
        namesakes = place.country in _STATES_FOLLOW  # towns there are called after places of everywhere: Moscow, Idaho
        return SMALLEST_TRANSLATED if namesakes else SMALLEST_AT_HOME
    if not place.first or _SAINT.match(name):
        return SMALLEST_TRANSLATED
    return SMALLEST_ALONE


def may_say_alone(name: str, place: Place) -> bool:
    """Return whether a city is known well enough by `name` to say its country alone."""
    return place.renown >= smallest_alone(name, place) and not _PART_OF_A_CITY.search(name)


def six_digit_town(reading: Reading, text: str) -> Place | None:
    """Return the place of a shared name that a postal code of six digits leaves: `St. Petersburg 191119`.

    Fewer than twenty countries have six digits; four and five are shared by so many that they tell no two towns apart.
    Only a large city by its first name is told so: another name may be a quarter's, as `Marina` is.
    """
    fitting = [place for place in reading.places if postal_code_fits(text, place.country)]
    found = leading(fitting, countries_writing(reading.text))
    return found if found is not None and found.first and found.people >= LARGE else None


def told_apart(towns: Sequence[Place], region: Reading) -> str | None:
    """Return the one country in which a town and the subdivision after it both lie, if no other is as likely."""
    found = leading(towns)
    if found is None or any(town.first and town.country != found.country and town.renown >= RIVAL for town in towns):
        return None
    rivals = [place for place in region.places if place.country != found.country and place.kind == SUBDIVISION]
    own = [place for place in region.places if place.country == found.country]
    if rivals and "-" not in found.region and found.renown < RIVAL:
        return None  # a village of the name in one Cordoba says little about the other
    if rivals and not any(place.people * DOMINANCE >= max(each.people for each in rivals) for place in own):
        return None
    return found.country


def outweighs(here: Sequence[Place], there: Sequence[Place]) -> bool:
    """Return whether a place here is ten times as large as any there."""
    return bool(here) and max(place.people for place in here) >= DOMINANCE * max(place.people for place in there)
