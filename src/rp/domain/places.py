"""Regions as people say them → data center ids."""

from collections.abc import Iterable

from rp.domain import names
from rp.domain.catalog import DataCenter
from rp.errors import NotFound

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

# The catalog tells the continent, not the country, and ids are not to be parsed (RunPod's advice).
# From RunPod's documentation of data centers, 2026-08; one that is newer is found by continent or id.
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


def data_centers_in(region: str, data_centers: Iterable[DataCenter]) -> tuple[str, ...]:
    """The ids in a continent (`EU`), a country (`RO`) or a data center (`US-TX-3`); raises NotFound."""
    known = tuple(data_centers)
    said = region.strip().upper()
    said = _SPELLED_OUT.get(said.replace(" ", "_"), said)
    if said in CONTINENTS:
        found = [place.id for place in known if place.continent == CONTINENTS[said]]
    elif said in _COUNTRIES:
        country = _COUNTRIES[said].split()
        found = [place.id for place in known if place.id in country]
    else:
        found = [place.id for place in known if place.id.upper() == said]
    if not found:
        raise NotFound(f"no data center is in region `{region}`", hint=_nearest(said, known))
    return tuple(found)


def _nearest(said: str, known: tuple[DataCenter, ...]) -> str:
    if said in CONTINENTS or said in _COUNTRIES:
        return "RunPod has none there at present"
    ids = [place.id for place in known]
    near = names.nearest(said, [*ids, *CONTINENTS, *_COUNTRIES], cutoff=0.6)
    if near:
        return names.did_you_mean(near)
    return "use a continent (NA, EU, AS, OC, …), a country (US, RO, …) or a data center id (US-TX-3)"
