import pytest
from hypothesis import given
from hypothesis import strategies as st

from rp.domain import places
from rp.domain.catalog import DataCenter
from rp.errors import NotFound
from unit.samples import COUNTRY_OF, DATA_CENTERS


@pytest.mark.parametrize("place", DATA_CENTERS, ids=lambda place: place.id)
def test_a_data_center_is_found_by_id_country_and_continent(place: DataCenter) -> None:
    continent = next(short for short, long in places.CONTINENTS.items() if long == place.continent)

    assert places.data_centers_in(place.id, DATA_CENTERS) == (place.id,)
    assert places.data_centers_in(place.id.lower(), DATA_CENTERS) == (place.id,)
    assert place.id in places.data_centers_in(COUNTRY_OF[place.id], DATA_CENTERS)
    assert place.id in places.data_centers_in(continent, DATA_CENTERS)


@pytest.mark.parametrize("country", sorted(set(COUNTRY_OF.values())))
def test_a_country_holds_its_data_centers_and_no_other(country: str) -> None:
    found = places.data_centers_in(country.lower(), DATA_CENTERS)

    # `SA`, `AS`, … are continents first: no country of the list is called like one.
    assert {COUNTRY_OF[place] for place in found} == {country}


def test_north_america_is_more_than_the_united_states() -> None:
    found = places.data_centers_in(" na ", DATA_CENTERS)

    assert {COUNTRY_OF[place] for place in found} == {"US", "CA"}


def test_a_continent_may_be_spelled_out() -> None:
    assert places.data_centers_in("Europe", DATA_CENTERS) == places.data_centers_in("EU", DATA_CENTERS)
    assert places.data_centers_in("north america", DATA_CENTERS) == places.data_centers_in("NA", DATA_CENTERS)


def test_a_continent_without_data_centers_is_told_as_that() -> None:
    with pytest.raises(NotFound) as caught:
        places.data_centers_in("AF", DATA_CENTERS)

    assert caught.value.hint == "RunPod has none there at present"


def test_an_unknown_continent_value_is_found_by_id() -> None:
    new = DataCenter("XX-YY-1", "New", "MOON")

    assert places.data_centers_in("xx-yy-1", [*DATA_CENTERS, new]) == ("XX-YY-1",)


@pytest.mark.parametrize(("typo", "near"), [("US-TX-33", "US-TX-3"), ("EU-RO", "EU-RO-1"), ("", "continent")])
def test_an_unknown_region_gives_a_hint(typo: str, near: str) -> None:
    with pytest.raises(NotFound) as caught:
        places.data_centers_in(typo, DATA_CENTERS)

    assert f"`{typo}`" in caught.value.message
    assert near in (caught.value.hint or "")


def test_a_region_without_a_data_center_today_is_an_error_and_not_anywhere() -> None:
    with pytest.raises(NotFound):
        places.data_centers_in("AN", DATA_CENTERS)


@given(st.text(max_size=20))
def test_a_region_never_means_anywhere(text: str) -> None:
    try:
        found = places.data_centers_in(text, DATA_CENTERS)
    except NotFound:
        return

    assert found
