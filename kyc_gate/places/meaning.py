"""Which place a name means when nothing else is said: one that is large enough, and that has no rival abroad."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

from kyc_gate.places.gazetteer import CITY, LARGE, NAMESAKE, SUBDIVISION, Place
from kyc_gate.places.postal import postal_code_fits, zip_is_of
from kyc_gate.places.reading import Reading
from kyc_gate.places.writing import countries_writing, is_written_in

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
NAMESAKES = 2_000
"""People that a town abroad counts for at least, however few it has, and what a namesake counts for. So a name that a
town abroad bears, too, says a country alone only where it is that of a city of half a million."""

SMALLEST_ALONE = 50_000
"""People that a city must have for its own name in Latin letters to say a country alone: villages, quarters and
estates all over the world are called like a smaller one, and are in no table."""

SMALLEST_REUSED = 200_000
"""The same for names that are used again and again: those of the United States, Canada, Australia and Britain, after
which estates from Karachi to Mahe are named, and the few syllables of Japanese and Korean in Latin letters."""

SMALLEST_WITH_A_NUMBER = 500_000
"""The same beside a house's number, which makes it the name of a street or of a quarter: `Novara 36a`."""

SMALLEST_AT_HOME = 15_000
"""The same in a script other than Latin."""

SMALLEST_IN_SHORT = 25_000
"""The same for two Chinese characters that stand for the sound of a name abroad, and for few letters without vowels."""

SMALLEST_TRANSLATED = 500_000
"""The same for a name that is not its own, for one of few letters in another script, or for a saint's: small towns of
everywhere are written alike there, and every province that Spain or Portugal held has one of each saint."""

MILLION = 1_000_000
"""People of a city of Japan, Korea or Taiwan that a name of few syllables says in spite of a namesake."""

SHORT, SHORT_IN_LATIN, SHORT_WITHOUT_VOWELS, SHORT_OF_SYLLABLES = 3, 4, 4, 5
"""Letters of a name that is short: in another script, in Latin letters, in Hebrew and Arabic ones, and in another
script for a city of Japan, Korea or Taiwan."""

_STATES_FOLLOW = frozenset({"US", "CA", "AU", "GB"})
"""Countries whose lesser towns write their state or county after the name: `Paris, Texas`, `Boston, Lincolnshire`."""

_SYLLABLES = frozenset({"JP", "KR", "TW"})
_WITHOUT_VOWELS = frozenset({"IL", "SA"})
"""Countries that write in Hebrew and Arabic letters, as do others that leave vowels out."""

_REUSED = _STATES_FOLLOW | _SYLLABLES

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
    borne = list(places)
    candidates = [place for place in borne if place.kind != NAMESAKE]
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
    others = [place for place in borne if place.country != found.country]
    return None if _disputed(found, candidates, others) else found


def _weight(place: Place, *, firsts: bool) -> float:
    return 1.0 if place.first or not firsts else 0.1


def _disputed(found: Place, candidates: list[Place], others: list[Place]) -> bool:
    """Return whether a name is too good a name of other places for the size of one to tell.

    `Roma` is Rome in Italian, and the own name of towns abroad: where a city is only called so, any of them will do.
    Two states that write the same names have towns of one name, and size says nothing about which state is meant.
    """
    metropolis = found.kind == CITY and found.people >= SMALLEST_WITH_A_NUMBER
    alike = [place for place in others if place.kind != NAMESAKE or not metropolis]
    if any(place.country in names and found.country in names for place in alike for names in _SAME_NAMES):
        return True
    if found.first or all(place.kind == SUBDIVISION for place in candidates if place.country == found.country):
        return False
    towns = [place for place in others if place.kind == NAMESAKE or (place.first and place.kind == CITY)]
    return any(place.country not in _STATES_FOLLOW or place.renown >= RIVAL for place in towns)


def rival(reading: Reading, found: Place, text: str) -> Place | None:
    """Return the place abroad whose own name it is, too, and that is not too small beside the one found to be meant.

    A postal code at the end of `text` that is one of the found place's country and none of the rival's settles it.
    Who writes a metropolis' name and nothing else means the metropolis: an address may be one of anywhere.
    """
    size = max(place.renown * _weight(place, firsts=True) for place in reading.places if place.country == found.country)
    alone = reading.text == text.strip() and reading.text.isascii() and found.first
    alone = alone and found.people >= SMALLEST_WITH_A_NUMBER
    margin = DOMINANCE if alone else DOMINANCE_OVER_RIVAL
    rivals = [
        place
        for place in reading.places
        if (place.first or place.kind == NAMESAKE)
        and place.country not in {found.country, *_STATES_FOLLOW}
        and size < margin * (NAMESAKES if place.kind == NAMESAKE else max(place.renown, RIVAL))
    ]
    return _largest_left(rivals, found.country, text)


def _largest_left(rivals: list[Place], country: str, text: str) -> Place | None:
    """Return the largest of the rivals that a postal code at the end of `text` leaves."""
    if rivals and postal_code_fits(text, country):
        rivals = [
            place for place in rivals if place.kind != NAMESAKE and postal_code_fits(text, place.country) is not False
        ]
    return max(rivals, key=lambda place: place.renown, default=None)


def namesake(reading: Reading, region: Place, text: str) -> Place | None:
    """Return the town abroad that bears a subdivision's name: `Andalucia` is Spain's, and a town of Colombia.

    Where a subdivision has its name from its own capital, it is the capital that has to be larger: Jaen, Murcia. At
    the end of an address any town of the name will do: `California, Santander`.
    """
    state = "-" in region.region
    own = [place for place in reading.places if place.kind == CITY and place.country == region.country and place.first]
    capital = max((place.people for place in own), default=0) if not state else 0
    least = (capital or region.people) // DOMINANCE_OVER_RIVAL
    if not capital and not state:
        least = 0  # it counts as the country's average one, which says little
    if least < RIVAL or not region.first or (not capital and reading.text != text.strip()):
        least = 0
    towns = [
        place
        for place in reading.places
        if (place.first or place.kind == NAMESAKE)
        and place.country not in {region.country, *_STATES_FOLLOW}
        and place.renown > least
    ]
    return _largest_left(towns, region.country, text)


def smallest_alone(name: str, place: Place) -> int:
    """Return how many people a city must have for `name` alone to say where it is."""
    writers = countries_writing(name)
    if writers is not None:
        if place.country in writers:
            return SMALLEST_AT_HOME
        # Towns of these countries are called after places of everywhere: Moscow, Idaho.
        if place.country in _STATES_FOLLOW or is_short(name):
            return SMALLEST_TRANSLATED
        if place.country in _SYLLABLES:
            # A short name of Japan is one of anywhere: `کیرو` is Kiryu, Kirov and Cairo, `Санда` Sanda and Szanda.
            if writers & _WITHOUT_VOWELS or is_short(name, SHORT_OF_SYLLABLES):
                return SMALLEST_REUSED
            return SMALLEST_ALONE if is_short(name, SHORT_OF_SYLLABLES + 1) else SMALLEST_AT_HOME
        few = is_short(name, SHORT_WITHOUT_VOWELS) if writers & _WITHOUT_VOWELS else _is_two_characters(name)
        return SMALLEST_IN_SHORT if few else SMALLEST_AT_HOME
    if not place.first or _SAINT.match(name):
        return SMALLEST_TRANSLATED
    return SMALLEST_REUSED if place.country in _REUSED else SMALLEST_ALONE


def is_short(name: str, most: int = SHORT) -> bool:
    """Return whether a name has so few letters that other scripts write many names so: `Тул` is Toul, and Thule.

    Vowel signs count; a Korean syllable has two letters or three, and a Chinese character is as long as a word.
    """
    letters = sum(2 if "\uac00" <= char <= "\ud7a3" else unicodedata.category(char)[0] in "LM" for char in name)
    return letters <= most and not any("\u3400" <= char <= "\u9fff" for char in name)


def _is_two_characters(name: str) -> bool:
    """Return whether a name is two Chinese characters, which stand for two syllables of many a town: `图勒`, Toul."""
    return len(name) <= 2 and all("\u3400" <= char <= "\u9fff" for char in name)


def is_foreign(name: str, place: Place) -> bool:
    """Return whether a name in Latin letters is not spelled as the place is: `París`, a town of Panama, or `Tegu`."""
    if countries_writing(name) is not None:
        return False
    if place.first:
        return not is_written_in(name, place.country)
    return place.country in _SYLLABLES and is_short(name, SHORT_IN_LATIN)


def may_say_alone(reading: Reading, place: Place, text: str = "") -> bool:
    """Return whether a city is known well enough by its name to say its country alone.

    Beside a house's number it has to be larger; with a ZIP code of its state in `text` it may be smaller.
    """
    if place.country == "US":
        coded = [each for each in reading.places if each.region[:3] == "US-" and zip_is_of(text, each.region)]
        if any(each.first and each.people >= SMALLEST_ALONE for each in coded):
            return True
    smallest = smallest_alone(reading.text, place)
    if is_foreign(reading.text, place) or _is_any_syllables(reading, place):
        return False
    if reading.numbered and not is_metropolis(reading, place.country):
        return False
    return place.renown >= smallest and not _PART_OF_A_CITY.search(reading.text)


def _is_any_syllables(reading: Reading, place: Place) -> bool:
    """Return whether a name of few syllables is a place's abroad, too: `Kure`, `Naha` and `Koto`."""
    if place.country not in _SYLLABLES or place.people >= MILLION or not is_short(reading.text, SHORT_IN_LATIN):
        return False
    return reading.text.isascii() and any(other.country != place.country for other in reading.places)


def is_metropolis(reading: Reading, country: str) -> bool:
    """Return whether a name is that of a country's capital or of a very large city, which says more than a number."""
    cities = (place for place in reading.places if place.country == country and place.kind == CITY)
    return any(city.capital or city.people >= SMALLEST_WITH_A_NUMBER for city in cities)


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
    if found is None or any(town.country != found.country and _may_be_meant(town) for town in towns):
        return None
    if "-" in found.region:
        return found.country
    own = max((place.people for place in region.places if place.country == found.country), default=0)
    abroad = [place for place in region.places if place.country != found.country and place.first]
    rivals = [place for place in abroad if place.kind == SUBDIVISION]
    if (rivals and found.renown < LARGE) or (found.renown < RIVAL and not _leads(region, found.country)):
        return None  # a town of the name in one Cordoba, or Manchester, says little about the other
    if found.renown < SMALLEST_ALONE and any(place.people > own for place in abroad):
        return None
    return found.country if all(place.people <= DOMINANCE * own for place in rivals) else None


def _may_be_meant(town: Place) -> bool:
    return town.kind == NAMESAKE or (town.first and town.renown >= RIVAL)


def _leads(region: Reading, country: str) -> bool:
    found = meant(region)
    return found is not None and found.country == country


def outweighs(here: Sequence[Place], there: Sequence[Place]) -> bool:
    """Return whether a place here is ten times as large as any there."""
    return bool(here) and max(place.people for place in here) >= DOMINANCE * max(place.people for place in there)
