import pytest
from hypothesis import given
from hypothesis import strategies as st

from rp.domain import places
from rp.domain.catalog import DataCenter
from rp.domain.places import Region
from rp.errors import NotFound, UsageProblem
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


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("Romania", "RO"),
        ("sweden", "SE"),
        ("United States", "US"),
        ("the united states of america", "US"),
        ("usa", "US"),
        ("The Netherlands", "NL"),
        ("Czech-Republic", "CZ"),
        ("north_america", "NA"),
        ("North-America", "NA"),
        ("asia", "AS"),
        ("Oceania", "OC"),
    ],
)
def test_a_country_and_a_continent_may_be_spelled_out(said: str, code: str) -> None:
    assert places.data_centers_in(said, DATA_CENTERS) == places.data_centers_in(code, DATA_CENTERS)


def test_a_data_center_is_found_by_its_name_too() -> None:
    assert places.data_centers_in("texas", [DataCenter("A", "Texas"), DataCenter("B", "Ohio")]) == ("A",)


@pytest.mark.parametrize(("typo", "near"), [("Romannia", "`Romania`"), ("Swedn", "`Sweden`"), ("Unted States", "`U")])
def test_a_mistyped_country_gets_the_nearest_name(typo: str, near: str) -> None:
    with pytest.raises(NotFound) as caught:
        places.data_centers_in(typo, DATA_CENTERS)

    assert near in (caught.value.hint or "")


def test_no_preference_is_anywhere() -> None:
    assert places.regions((), DATA_CENTERS) == (Region("anywhere"),)
    assert places.regions(("EU", "Any"), DATA_CENTERS)[1] == Region("anywhere")
    assert Region("anywhere").holds("US-TX-3")


def test_a_forbidden_place_is_out_of_every_region() -> None:
    america, texas = places.regions(("US", "US-TX-1", "!US-TX-3", "!ca"), DATA_CENTERS)

    assert america.name == "US"
    assert set(america.data_center_ids) == set(places.data_centers_in("US", DATA_CENTERS)) - {"US-TX-3"}
    assert america.holds("US-TX-1")
    assert not america.holds("US-TX-3")
    assert texas == Region("US-TX-1", ("US-TX-1",))


def test_only_forbidden_places_mean_all_others() -> None:
    (others,) = places.regions(("!US", "!EU", "!US"), DATA_CENTERS)

    assert others.name == "!US !EU"
    gone = {*places.data_centers_in("US", DATA_CENTERS), *places.data_centers_in("EU", DATA_CENTERS)}
    assert set(others.data_center_ids) == {place.id for place in DATA_CENTERS} - gone
    assert places.regions(("anywhere", "!US", "!EU"), DATA_CENTERS) == (others,)


@pytest.mark.parametrize(
    ("preference", "message"),
    [
        (("RO", "!EU"), "no data center is left: `!EU` forbid all of `RO`"),
        (("US", "EU-RO-1", "!RO", "!SE"), "no data center is left: `!RO` and `!SE` forbid all of `EU-RO-1`"),
        (("!NA", "!EU", "!AS", "!OC"), "forbid all of `anywhere`"),
    ],
)
def test_a_region_that_is_all_forbidden_is_an_error(preference: tuple[str, ...], message: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        places.regions(preference, DATA_CENTERS)

    assert message in caught.value.message


NEW = DataCenter("CA-NEW-1", "", "NORTH_AMERICA")
NOWHERE = DataCenter("XX-NEW-1", "", "MOON")


@pytest.mark.parametrize(
    ("preference", "shut"),
    [
        (("!US",), {"CA-NEW-1": "!US", "XX-NEW-1": "!US"}),
        (("NA", "!united states"), {"CA-NEW-1": "!united states"}),
        (("!RO",), {"XX-NEW-1": "!RO"}),
        (("!NA",), {"XX-NEW-1": "!NA"}),
        (("!AF",), {"XX-NEW-1": "!AF"}),
        (("EU", "!US"), {}),
        (("!US-TX-3",), {}),
        (("!US", "!CA-NEW-1"), {"XX-NEW-1": "!US"}),
        (("NA",), {}),
    ],
)
def test_a_prohibition_holds_for_a_data_center_that_may_be_there(
    preference: tuple[str, ...], shut: dict[str, str]
) -> None:
    known = (*DATA_CENTERS, NEW, NOWHERE)

    assert places.doubted(preference, known) == shut
    for region in places.regions(preference, known):
        assert not set(region.data_center_ids) & set(shut)


def test_a_continent_that_runpod_calls_otherwise_is_forbidden_all_the_same() -> None:
    renamed = tuple(DataCenter(one.id, one.name, one.continent.title()) for one in DATA_CENTERS)

    (left,) = places.regions(("!EU",), renamed)

    assert set(left.data_center_ids) == {one.id for one in DATA_CENTERS if one.continent != "EUROPE"}


def test_a_wish_that_is_forbidden_for_want_of_a_country_says_so() -> None:
    with pytest.raises(UsageProblem, match="`!US` forbid all of `CA-NEW-1`; rp does not know the country of CA-NEW-1"):
        places.regions(("CA-NEW-1", "!US"), [*DATA_CENTERS, NEW])


@pytest.mark.parametrize("country", sorted(set(COUNTRY_OF.values())))
def test_each_country_is_on_its_continent(country: str) -> None:
    unknown = [DataCenter(f"NEW-{long}", "", long) for long in places.CONTINENTS.values()]
    continent = next(one.continent for one in DATA_CENTERS if COUNTRY_OF[one.id] == country)

    assert [*places.doubted((f"!{country}",), unknown)] == [f"NEW-{continent}"]


def test_a_place_without_data_centers_today_can_be_forbidden() -> None:
    assert places.check("!AN", DATA_CENTERS) == ()
    assert places.check("!Japan", DATA_CENTERS[:1]) == ()


@pytest.mark.parametrize("said", ["!US-TX-33", "!", "!!US", "! xx", "!anywhere"])
def test_an_unknown_place_cannot_be_forbidden(said: str) -> None:
    with pytest.raises(NotFound):
        places.regions(("EU", said), DATA_CENTERS)


@given(
    st.lists(st.sampled_from(["EU", "US", "RO", "EU-RO-1", "anywhere", "!RO", "!US-TX-3", "!ca", "!EU"]), max_size=5)
)
def test_the_order_is_kept_and_nothing_forbidden_is_left(preference: list[str]) -> None:
    try:
        found = places.regions(preference, DATA_CENTERS)
    except UsageProblem:
        return

    wanted = [text for text in preference if not text.startswith("!")]
    closed = {place for text in preference if text[0] == "!" for place in places.check(text, DATA_CENTERS)}
    assert len(found) == max(1, len(wanted))
    for region, text in zip(found, wanted or ["anywhere"], strict=True):
        everything = set(places.check(text, DATA_CENTERS))
        assert set(region.data_center_ids) == (set() if text == "anywhere" and not closed else everything - closed)
