import pytest

from contract.contract import response_problems
from rp import errors
from rp.runpod.client import RunPod
from unit.runpod.server import Server, answer, problem

ANSWER = {"registries": [{"id": "6n2k8v4d", "name": "dockerhub-private"}, {"id": "x1", "name": "other"}]}


def test_the_ids_of_registry_credentials_are_read_as_the_contract_has_them(server: Server, client: RunPod) -> None:
    assert response_problems("listRegistries", 200, "application/json", ANSWER) == []
    server.replies = [answer(ANSWER)]

    assert client.registry_ids() == ("6n2k8v4d", "x1")
    assert server.asked[0].path == "/v2/registries"


@pytest.mark.parametrize("body", [{}, [], {"registries": None}, {"registries": [7]}, {"registries": [{}]}])
def test_an_answer_in_another_form_is_unclear(server: Server, client: RunPod, body: object) -> None:
    server.replies = [answer(body)] * 4

    with pytest.raises(errors.Unclear):
        client.registry_ids()


def test_a_runpod_without_that_route_is_no_word_on_the_credentials(server: Server, client: RunPod) -> None:
    server.replies = [problem(404, "The requested path was not found.")]

    with pytest.raises(errors.ApiError) as raised:
        client.registry_ids()
    assert not isinstance(raised.value, errors.NoSuchResource)
