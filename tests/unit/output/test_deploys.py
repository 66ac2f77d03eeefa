"""What `--dry-run --json` tells of a candidate."""

from dataclasses import replace

from rp.domain import candidate as candidates
from rp.domain.clouds import COMMUNITY, SECURE
from rp.domain.template import Container, Template
from rp.output import deploys
from unit.samples import CATALOG

TEMPLATE = Template(
    name="sd",
    gpu_preference=("RTX 4090",),
    container=Container("me/x:1"),
    region_preference=("SE",),
    cloud_preference=(SECURE, COMMUNITY),
)


def test_the_places_of_a_candidate_are_told_and_whether_it_is_pinned_to_them() -> None:
    document = deploys.plan_document("my-pod", candidates.expand(TEMPLATE, CATALOG))
    anywhere = deploys.plan_document("my-pod", candidates.expand(replace(TEMPLATE, region_preference=()), CATALOG))

    assert [(one["cloud"], one["data_centers"], one["pinned"]) for one in document["candidates"]] == [
        (SECURE, ["EU-SE-1", "EU-SE-2"], True),
        (COMMUNITY, ["EU-SE-1", "EU-SE-2"], False),
    ]
    assert [(one["data_centers"], one["pinned"]) for one in anywhere["candidates"]] == [([], False)] * 2
