import pytest

from rp import errors
from rp.domain import attempt as attempts
from rp.domain.attempt import OPEN, Attempt, Next, State

CAPACITY = (
    "There are no longer any instances available with the requested specifications. Please refresh and try again.",
    "There are no longer any instances available with enough disk space.",
    "There are no instances currently available",
    "This machine does not have the resources to deploy your pod. Please try a different machine",
    "create pod: could not find any pods with required specifications",
    "There are not enough free GPUs on the host machine to start this pod.",
    "start pod: There are not enough free GPUs on the host machine to start this pod.",
    "create pod: There are no longer any instances available with the requested specifications.",
    "No GPUs available",
    "insufficient capacity",
    "out of stock",
    "Sold out",
)
NOT_CAPACITY = (
    "Something went wrong. Please try again later or contact support.",
    "pod not found to terminate",
    "Tried to delete nonexistent network volume",
    "Insufficient resources",
    "body/gpuTypeIds/0 must be one of the allowed values",
    "request could not be processed",
    "",
)


@pytest.mark.parametrize("text", CAPACITY)
def test_a_capacity_text_is_recognised(text: str) -> None:
    assert attempts.is_capacity(errors.BadRequest("m", status=400, detail=text))
    assert attempts.refusal(errors.BadRequest("m", status=400, detail=text)) == "no capacity"


@pytest.mark.parametrize("text", NOT_CAPACITY)
def test_another_refusal_is_told_in_its_own_words(text: str) -> None:
    failure = errors.BadRequest("the message", status=400, detail=text)

    assert not attempts.is_capacity(failure)
    assert attempts.refusal(failure) == (text or "the message")


def test_only_a_400_is_about_capacity() -> None:
    assert not attempts.is_capacity(errors.Forbidden("m", status=403, detail=CAPACITY[0]))
    assert not attempts.is_capacity(errors.Unclear("m", status=500, detail=CAPACITY[0]))


@pytest.mark.parametrize(
    ("failure", "then"),
    [
        (errors.BadRequest("m", status=400), Next.NEXT_CANDIDATE),
        (errors.Forbidden("m", status=403), Next.NEXT_CANDIDATE),
        (errors.RateLimited("m", retry_after=3), Next.WAIT),
        (errors.Unclear("m", status=500), Next.LOOK),
        (errors.Unclear("m"), Next.LOOK),
        (errors.Unauthorized("m", status=401), Next.STOP),
        (errors.InsufficientBalance("m", status=402), Next.STOP),
        (errors.NoSuchResource("m", status=404), Next.STOP),
        (errors.Conflict("m", status=409), Next.STOP),
        (errors.InvalidRequest("m", status=422), Next.STOP),
        (errors.ApiError("m", status=418), Next.STOP),
    ],
)
def test_each_failed_create_has_one_next_step(failure: errors.ApiError, then: Next) -> None:
    assert attempts.after(failure) is then


def test_every_class_of_api_error_is_in_the_table_above() -> None:
    def below(kind: type[errors.ApiError]) -> set[str]:
        return {kind.__name__}.union(*(below(one) for one in kind.__subclasses__()))

    assert below(errors.ApiError) == {
        "ApiError",
        "BadRequest",
        "Unauthorized",
        "InsufficientBalance",
        "Forbidden",
        "NoSuchResource",
        "Conflict",
        "InvalidRequest",
        "RateLimited",
        "Unclear",
    }


def _attempt(**changes: object) -> Attempt:
    values: dict[str, object] = {
        "name": "rp-x-1",
        "deployment_id": "x",
        "cloud": "SECURE",
        "region": "EU",
        "gpu": "H100",
        "count": 1,
        "price_per_hour": 3.6,
        "state": State.TERMINATED,
        "started_at": 1000.0,
        "noted_at": 0.0,
        "ended_at": 1100.0,
        "pod_id": "p",
        "reason": "SSH never came",
    }
    return Attempt(**{**values, **changes})  # type: ignore[arg-type]


def test_the_cost_is_by_the_second() -> None:
    assert _attempt().cost == pytest.approx(0.1)
    assert _attempt().seconds == 100


def test_what_has_no_pod_or_no_end_costs_nothing_yet() -> None:
    assert _attempt(pod_id=None).cost == 0.0
    assert _attempt(ended_at=None).cost == 0.0


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({}, "H100, EU, secure: SSH never came ($0.10)"),
        ({"count": 2, "cloud": "COMMUNITY"}, "2x H100, EU, community: SSH never came ($0.10)"),
        ({"pod_id": None, "state": State.REFUSED, "reason": "no capacity"}, "H100, EU, secure: no capacity"),
        ({"state": State.KEPT, "reason": ""}, "H100, EU, secure: kept"),
    ],
)
def test_the_line_of_a_report(changes: dict[str, object], line: str) -> None:
    assert _attempt(**changes).line() == line


def test_an_open_attempt_may_have_a_pod() -> None:
    assert set(OPEN) == {State.CREATING, State.UNCLEAR, State.CREATED, State.TERMINATING}


def test_facts_are_plain_json() -> None:
    assert attempts.facts(_attempt()) == {
        "pod_name": "rp-x-1",
        "pod_id": "p",
        "gpu": "H100",
        "count": 1,
        "region": "EU",
        "cloud": "SECURE",
        "price_per_hour": 3.6,
        "outcome": "terminated",
        "reason": "SSH never came",
        "seconds": 100.0,
        "cost": 0.1,
    }
