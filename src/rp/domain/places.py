"""Regions as people say them → data center ids."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from rp.domain import names, wishes
from rp.domain.catalog import DataCenter
from rp.errors import NotFound, UsageProblem

CONTINENTS = {
    "NA": "NORTH_AMERICA",
    "SA": "SOUTH_AMERICA",
    "EU": "EUROPE",
    "AS": "ASIA",
    "ME": "MIDDLE_EAST",
    "AF": "AFRICA",
    "OC": "OCEANIA",
    "AN": "ANTARCTICA",
}

_SPELLED_OUT = {name: code for code, name in CONTINENTS.items()}

# The catalog tells the continent, not the country, and ids are not to be parsed (RunPod's advice). Countries of
# SkyPilot's RunPod catalog and of RunPod's pages on networking and storage, 2026-08; a data center that is newer is
# found by continent or id.
_COUNTRIES = {
    "AU": "OC-AU-1",
    "CA": "CA-MTL-1 CA-MTL-2 CA-MTL-3 CA-MTL-4",
    "CZ": "EU-CZ-1",
    "DK": "EU-DK-1",
    "FR": "EU-FR-1",
    "IN": "AP-IN-1 AP-IN-2",
    "IS": "EUR-IS-1 EUR-IS-2 EUR-IS-3 EUR-IS-4 EUR-IS-5",
    "JP": "AP-JP-1",
    "NL": "EU-NL-1",
    "NO": "EUR-NO-1 EUR-NO-2",
    "RO": "EU-RO-1",
    "SE": "EU-SE-1 EU-SE-2",
    "SG": "SEA-SG-1",
    "US": "US-CA-1 US-CA-2 US-CO-1 US-DE-1 US-GA-1 US-GA-2 US-IL-1 US-KS-1 US-KS-2 "
    "US-KS-3 US-MD-1 US-MO-1 US-MO-2 US-NC-1 US-NC-2 US-NE-1 US-OR-1 US-OR-2 "
    "US-PA-1 US-TX-1 US-TX-2 US-TX-3 US-TX-4 US-TX-5 US-TX-6 US-WA-1 US-WA-2",
}

_CONTINENT_OF = {
    country: continent
    for continent, countries in {"AS": "IN JP SG", "EU": "CZ DK FR IS NL NO RO SE", "NA": "CA US", "OC": "AU"}.items()
    for country in countries.split()
}

_COUNTRY_NAMES = {
    "AUSTRALIA": "AU",
    "CANADA": "CA",
    "CZECHIA": "CZ",
    "CZECH_REPUBLIC": "CZ",
    "DENMARK": "DK",
    "FRANCE": "FR",
    "HOLLAND": "NL",
    "ICELAND": "IS",
    "INDIA": "IN",
    "JAPAN": "JP",
    "NETHERLANDS": "NL",
    "NORWAY": "NO",
    "ROMANIA": "RO",
    "SINGAPORE": "SG",
    "SWEDEN": "SE",
    "UNITED_STATES": "US",
    "UNITED_STATES_OF_AMERICA": "US",
    "USA": "US",
}

_ANYWHERE = (wishes.ANYWHERE, "any")
_WORD_BREAK = re.compile(r"[\s_-]+")


@dataclass(frozen=True)
class Region:
    """A place to try: `name` is what the template calls it; no data center ids means anywhere."""

    name: str
    data_center_ids: tuple[str, ...] = ()

    def holds(self, data_center: str) -> bool:
        return not self.data_center_ids or data_center in self.data_center_ids


def regions(preference: Iterable[str], data_centers: Iterable[DataCenter]) -> tuple[Region, ...]:
    """The places of a preference in its order, each without those that `!place` forbids.

    Nothing wanted means anywhere; only forbidden places mean all others. Raises NotFound for a name that is unknown,
    UsageProblem where nothing is left of a region.
    """
    known = tuple(dict.fromkeys(data_centers))
    wanted, forbidden = _split(preference)
    closed = {place for text in forbidden for place in check(text, known)}
    return tuple(_region(text, forbidden, closed, known) for text in wanted)


def doubted(preference: Iterable[str], data_centers: Iterable[DataCenter]) -> dict[str, str]:
    """Data center → the `!place` that shuts it out because it may be there, and not because it is known to be.

    Of those that the preference wants otherwise. Raises NotFound for a name that is unknown.
    """
    known = tuple(dict.fromkeys(data_centers))
    wanted, forbidden = _split(preference)
    open_else = {place for text in wanted for place in check(text, known)}
    sure = {place.id for text in forbidden for place in known if _is_in(_code(text[1:]), place)}
    return {place: text for text in forbidden for place in check(text, known) if place in open_else - sure}


def _split(preference: Iterable[str]) -> tuple[list[str], list[str]]:
    """What is wanted, and what is forbidden."""
    said = [text.strip() for text in preference]
    forbidden = list(dict.fromkeys(text for text in said if wishes.forbidden(text) is not None))
    return [text for text in said if text not in forbidden] or [wishes.ANYWHERE], forbidden


def _region(text: str, forbidden: list[str], closed: set[str], known: tuple[DataCenter, ...]) -> Region:
    is_anywhere = text.lower() in _ANYWHERE
    if is_anywhere and not forbidden:
        return Region(wishes.ANYWHERE)
    ids = tuple(place for place in check(text, known) if place not in closed)
    if not ids:
        unknown = doubted([text, *forbidden], known)
        why = f"; rp does not know the country of {', '.join(unknown)}" if unknown else ""
        raise UsageProblem(
            f"no data center is left: {' and '.join(f'`{one}`' for one in forbidden)} forbid all of `{text}`{why}",
            hint="forbid less, or want another region",
        )
    return Region(" ".join(forbidden) if is_anywhere else text, ids)


def check(text: str, data_centers: Iterable[DataCenter]) -> tuple[str, ...]:
    """The ids that an item of a preference wants or, as `!place`, forbids; raises NotFound.

    A prohibition holds for what may be there, too. A country or continent without a data center can be forbidden.
    """
    known = tuple(dict.fromkeys(data_centers))
    name = wishes.forbidden(text)
    if name is None and text.strip().lower() in _ANYWHERE:
        return tuple(place.id for place in known)
    said = _code(name or "")
    if said in CONTINENTS or said in _COUNTRIES:
        return tuple(place.id for place in known if _may_be_in(said, place))
    return data_centers_in(text if name is None else name, known)


def data_centers_in(region: str, data_centers: Iterable[DataCenter]) -> tuple[str, ...]:
    """The ids in a continent (`EU`), a country (`RO`, `Romania`) or a data center (`US-TX-3`); raises NotFound."""
    known = tuple(dict.fromkeys(data_centers))
    said = _code(region)
    found = tuple(place.id for place in known if _is_in(said, place))
    if not found:
        raise NotFound(f"no data center is in region `{region}`", hint=_nearest(said, known))
    return found


def _is_in(said: str, place: DataCenter) -> bool:
    if said in CONTINENTS:
        return place.continent == CONTINENTS[said]
    if said in _COUNTRIES:
        return country(place.id) == said
    return bool(said) and said in (place.id.upper(), place.name.upper())


def _may_be_in(said: str, place: DataCenter) -> bool:
    """Whether it is in a country or continent, for all that rp and the catalog know."""
    land, continent = country(place.id), _SPELLED_OUT.get(place.continent)
    if said in CONTINENTS:
        return said == (continent or _CONTINENT_OF.get(land or "", said))
    return said == land or (land is None and continent in (None, _CONTINENT_OF[said]))


def _code(region: str) -> str:
    """`Romania` → `RO`, `north america` → `NA`; what is neither stays, in capitals."""
    said = region.strip().upper()
    spelled = _WORD_BREAK.sub("_", said).removeprefix("THE_")
    return _SPELLED_OUT.get(spelled) or _COUNTRY_NAMES.get(spelled) or said


def _nearest(said: str, known: tuple[DataCenter, ...]) -> str:
    if said in CONTINENTS or said in _COUNTRIES:
        return "RunPod has none there at present"
    ids = [place.id for place in known]
    spelled = {name.replace("_", " "): name for name in (*_SPELLED_OUT, *_COUNTRY_NAMES)}
    near = names.nearest(said, [*ids, *CONTINENTS, *_COUNTRIES, *spelled], cutoff=0.6)
    if near:
        return names.did_you_mean(name.title() if name in spelled and len(name) > 3 else name for name in near)
    return "use a continent (NA, EU, AS, OC, …), a country (US, RO, …) or a data center id (US-TX-3)"


def country(data_center: str) -> str | None:
    """The country of a data center; None for one that is newer than the table."""
    return next((code for code, ids in _COUNTRIES.items() if data_center in ids.split()), None)
