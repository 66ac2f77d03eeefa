from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sim.api import AT_ONCE, Api
from sim_fixture import simulator

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """One simulator for the tests of a module; what one of them sets up, it sets up for itself alone."""
    with simulator(tmp_path_factory.mktemp("shared")) as running:
        yield Api(running)


@pytest.fixture
def api(shared: Api) -> Api:
    """Pods boot at once, the account is empty, no rule is left of the test before."""
    assert shared.scenario(AT_ONCE).status == 200
    for pod in shared.call("GET", "/v2/pods?includeClusterPods=true").json["pods"]:
        shared.call("PATCH", f"/v2/pods/{pod['id']}", {"locked": False})
        shared.call("DELETE", f"/v2/pods/{pod['id']}")
    for volume in shared.call("GET", "/v2/network-volumes").json["networkVolumes"]:
        shared.call("DELETE", f"/v2/network-volumes/{volume['id']}")
    shared.call("PUT", "/v2/account/ssh-keys", {"keys": []})
    return shared
