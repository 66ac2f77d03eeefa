import json
import socket
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from rp import __version__, errors
from rp.domain.catalog import Stock, joined
from rp.domain.pod import Endpoint, Volume
from rp.domain.request import PodRequest
from rp.runpod.client import RunPod
from unit.runpod.server import GARBAGE, RESET, Clock, Reply, Server, answer, html, problem, serving

KEY = "rpa_SESAME0123456789"
REQUEST = PodRequest("rp-x-1", "image", "NVIDIA L4", 1, "SECURE", 20, ("22/tcp",))
POD = {"id": "p1", "name": "rp-x-1", "status": "RUNNING"}


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(server: Server, clock: Clock) -> Iterator[RunPod]:
    made = RunPod(server.address, KEY, sleep=clock.sleep, monotonic=clock.monotonic)
    yield made
    made.close()


CALLS: list[tuple[str, Callable[[RunPod], object]]] = [
    ("POST", lambda client: client.create(REQUEST)),
    ("GET", lambda client: client.pods()),
    ("GET", lambda client: client.pod("p1")),
    ("DELETE", lambda client: client.terminate("p1")),
    ("POST", lambda client: client.stop("p1")),
    ("POST", lambda client: client.start("p1")),
    ("POST", lambda client: client.restart("p1")),
    ("GET", lambda client: client.ssh_keys()),
    ("PUT", lambda client: client.replace_ssh_keys(("k",))),
    ("GET", lambda client: client.network_volume("v")),
    ("GET", lambda client: client.network_volumes()),
    ("GET", lambda client: client.pod_bills(last_days=1)),
    ("GET", lambda client: client.gpus("SECURE", count=1)),
    ("GET", lambda client: client.data_centers()),
]
IDS = ["create", "pods", "pod", "terminate", "stop", "start", "restart"]
IDS += ["ssh_keys", "put_keys", "volume", "volumes", "bills", "gpus", "data_centers"]
each_call = pytest.mark.parametrize(("method", "call"), CALLS, ids=IDS)


def test_every_request_says_who_asks(server: Server, client: RunPod) -> None:
    server.replies = [answer({"pods": []})]

    client.pods()

    (asked,) = server.asked
    assert asked.path == "/v2/pods"
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert asked.headers["user-agent"].startswith(f"rp/{__version__} (")
    assert asked.headers["accept"] == "application/json"


def test_a_create_sends_json_and_reads_the_pod(server: Server, client: RunPod) -> None:
    server.replies = [answer(POD, 201)]

    assert client.create(REQUEST).id == "p1"

    (asked,) = server.asked
    assert (asked.method, asked.headers["content-type"]) == ("POST", "application/json")
    assert json.loads(asked.body)["name"] == "rp-x-1"


@pytest.mark.parametrize(
    ("status", "kind", "exit_status"),
    [
        (400, errors.BadRequest, 1),
        (401, errors.Unauthorized, 4),
        (402, errors.InsufficientBalance, 4),
        (403, errors.Forbidden, 4),
        (404, errors.NoSuchResource, 6),
        (405, errors.ApiError, 1),
        (408, errors.Unclear, 1),
        (409, errors.Conflict, 1),
        (413, errors.InvalidRequest, 1),
        (418, errors.ApiError, 1),
        (422, errors.InvalidRequest, 1),
        (500, errors.Unclear, 1),
        (502, errors.Unclear, 1),
        (503, errors.Unclear, 1),
        (504, errors.Unclear, 1),
        (524, errors.Unclear, 1),
    ],
)
def test_each_status_is_one_error(
    server: Server, client: RunPod, clock: Clock, status: int, kind: type[errors.ApiError], exit_status: int
) -> None:
    server.replies = [problem(status, "the detail", x_request_id="req-7")]

    with pytest.raises(errors.ApiError) as caught:
        client.create(REQUEST)

    error = caught.value
    assert type(error) is kind
    assert (error.status, error.detail, error.request_id) == (status, "the detail", "req-7")
    assert error.exit_status == exit_status
    for part in ("POST /pods", "the detail", f"[HTTP {status}, request id req-7]"):
        assert part in error.message
    assert len(server.asked) == 1
    assert clock.slept == []


@pytest.mark.parametrize("status", [401, 402, 403])
def test_what_the_user_can_mend_has_a_hint(server: Server, client: RunPod, status: int) -> None:
    server.replies = [problem(status)]

    with pytest.raises(errors.ApiError) as caught:
        client.pods()

    assert caught.value.hint


@pytest.mark.parametrize("status", [400, 402, 403, 404, 409, 422, 502, 503])
def test_an_error_page_is_unclear_whatever_its_status(server: Server, client: RunPod, status: int) -> None:
    server.replies = [html(status)]

    with pytest.raises(errors.Unclear) as caught:
        client.create(REQUEST)

    assert caught.value.status == status


def test_the_old_apis_way_to_say_no_is_understood(server: Server, client: RunPod) -> None:
    server.replies = [answer({"error": "create pod: no", "status": 400}, 400)]

    with pytest.raises(errors.BadRequest) as caught:
        client.create(REQUEST)

    assert caught.value.detail == "create pod: no"


def test_missing_fields_come_first(server: Server, client: RunPod) -> None:
    noise = ["$: additional properties 'a' not allowed", "$.disk: too small"]
    server.replies = [problem(422, entries=[*noise, "$: missing property 'name'"])]

    with pytest.raises(errors.InvalidRequest) as caught:
        client.create(REQUEST)

    assert caught.value.details == ("$: missing property 'name'", *noise)


BROKEN = {"500": problem(500), "reset": RESET, "garbage": GARBAGE, "html": html(502), "no_json": Reply(body=b"<")}
each_fault = pytest.mark.parametrize("fault", BROKEN.values(), ids=BROKEN)


@each_fault
def test_a_get_is_repeated_until_it_works(server: Server, client: RunPod, clock: Clock, fault: Reply) -> None:
    server.replies = [fault, fault, answer({"pods": [POD]})]

    assert [pod.id for pod in client.pods()] == ["p1"]

    assert len(server.asked) == 3
    assert clock.slept == [0.5, 2.0]


@each_fault
def test_a_get_is_tried_three_times_at_most(server: Server, client: RunPod, fault: Reply) -> None:
    server.replies = [fault]

    with pytest.raises(errors.Unclear):
        client.pods()

    assert len(server.asked) == 3


@each_fault
@each_call
def test_only_a_get_is_repeated(
    server: Server, client: RunPod, method: str, call: Callable[[RunPod], object], fault: Reply
) -> None:
    server.replies = [fault]

    with pytest.raises(errors.Unclear):
        call(client)

    assert [asked.method for asked in server.asked] == [method] * (3 if method == "GET" else 1)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422])
def test_a_clear_no_is_not_asked_again(server: Server, client: RunPod, status: int) -> None:
    server.replies = [problem(status)]

    with pytest.raises(errors.ApiError):
        client.pods()

    assert len(server.asked) == 1


@each_call
def test_a_429_is_waited_for_and_repeated(
    server: Server, client: RunPod, clock: Clock, method: str, call: Callable[[RunPod], object]
) -> None:
    limits = '"minute";r=0;t=12, "hour";r=2800;t=1812'
    server.replies = [problem(429, Retry_After="3", RateLimit=limits), problem(404)]

    with pytest.raises(errors.NoSuchResource):
        call(client)

    assert len(server.asked) == 2
    assert sum(clock.slept) == 12


def test_retry_after_counts_where_it_is_the_longest(server: Server, client: RunPod, clock: Clock) -> None:
    server.replies = [problem(429, Retry_After="9", RateLimit='"minute";r=0;t=2'), answer({"pods": []})]

    client.pods()

    assert sum(clock.slept) == 9


@pytest.mark.parametrize("headers", [{"Retry_After": "16"}, {"Retry_After": "1", "RateLimit": '"hour";r=0;t=1724'}])
def test_a_long_wait_is_the_callers_to_decide(
    server: Server, client: RunPod, clock: Clock, headers: dict[str, str]
) -> None:
    server.replies = [Reply(429, b"{}", headers=headers)]

    with pytest.raises(errors.RateLimited) as caught:
        client.pods()

    assert caught.value.retry_after == (1724 if "RateLimit" in headers else 16)
    assert caught.value.status == 429
    assert clock.slept == []
    assert len(server.asked) == 1


def test_429_without_end_is_given_up(server: Server, client: RunPod, clock: Clock) -> None:
    server.replies = [problem(429, Retry_After="1")]

    with pytest.raises(errors.RateLimited):
        client.pods()

    assert len(server.asked) <= 5
    assert sum(clock.slept) <= 10


def test_a_quota_that_is_used_up_is_waited_for_before_the_next_call(
    server: Server, client: RunPod, clock: Clock
) -> None:
    server.replies = [answer({"pods": []}, RateLimit='"minute";r=0;t=5')]

    client.pods()
    assert clock.slept == []
    client.pods()

    assert clock.slept == [5]


def test_no_call_is_sent_where_the_quota_is_used_up_for_long(server: Server, client: RunPod) -> None:
    server.replies = [answer({"pods": []}, RateLimit='"hour";r=0;t=1000')]
    client.pods()

    with pytest.raises(errors.RateLimited) as caught:
        client.create(REQUEST)

    assert caught.value.retry_after == pytest.approx(1000)
    assert len(server.asked) == 1


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"{}", b'{"id":"p","gpu":3}'])
def test_a_garbled_201_is_unclear_for_a_pod_may_exist(server: Server, client: RunPod, body: bytes) -> None:
    server.replies = [Reply(201, body)]

    with pytest.raises(errors.Unclear):
        client.create(REQUEST)

    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "body",
    [
        "[]",
        '"x"',
        '{"pods": 5, "keys": 5, "networkVolumes": 5, "records": 5, "gpus": 5, "dataCenters": 5}',
        '{"pods": [1], "networkVolumes": [1], "records": [1], "gpus": [1], "dataCenters": [1]}',
        (
            '{"pagination": 3, "networkVolumes": [{"size": "x"}], "records": [{"totalAmount": "x"}], "gpus": [{}],'
            ' "dataCenters": [{}]}'
        ),
    ],
)
@pytest.mark.parametrize("name", ["pods", "volumes", "bills", "gpus", "data_centers"])
def test_a_garbled_list_is_unclear(server: Server, client: RunPod, name: str, body: str) -> None:
    server.replies = [Reply(200, body.encode())]

    with pytest.raises(errors.Unclear):
        CALLS[IDS.index(name)][1](client)


def _told(error: BaseException) -> Iterator[str]:
    """Everything that could be printed of an error: its chain, and a traceback with every local variable."""
    seen: BaseException | None = error
    while seen:
        yield f"{seen} {seen!r} {seen.args!r} {vars(seen)!r}"
        seen = seen.__cause__ or seen.__context__
    yield "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())


@pytest.mark.parametrize(
    "fault",
    [*BROKEN.values(), problem(401), problem(422), problem(429, Retry_After="99"), html(403), Reply(201, b"[]")],
)
def test_the_key_is_in_no_error(server: Server, client: RunPod, fault: Reply) -> None:
    server.replies = [fault]

    with pytest.raises(errors.ApiError) as caught:
        client.create(REQUEST)

    told = " ".join(_told(caught.value))
    assert "SESAME" not in told


@pytest.mark.parametrize("address", ["http://127.0.0.1:{port}", "http://host.invalid:{port}"])
def test_an_address_that_nobody_answers_at_is_told_with_a_remedy(address: str, clock: Clock) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        client = RunPod(address.format(port=port), KEY, sleep=clock.sleep, monotonic=clock.monotonic)

        with pytest.raises(errors.Unclear) as caught:
            client.pods()

    client.close()
    told = " ".join(_told(caught.value))
    assert "SESAME" not in told
    assert "cannot reach RunPod for GET /pods" in caught.value.message
    assert "RP_API_URL" in (caught.value.hint or "")
    assert caught.value.status is None


def test_an_id_cannot_leave_its_place_in_the_path(server: Server, client: RunPod) -> None:
    server.replies = [problem(404)]

    with pytest.raises(errors.NoSuchResource):
        client.terminate("../pods?x=/")

    assert server.asked[0].path == "/v2/pods/..%2Fpods%3Fx%3D%2F"


def test_every_page_is_read(server: Server, client: RunPod) -> None:
    pages = [("c1", ["a", "b"]), ("c&2=", ["c"]), (None, ["d"])]
    server.replies = [
        answer(
            {"pods": [{"id": one} for one in ids], "pagination": {"nextCursor": cursor, "hasNextPage": bool(cursor)}}
        )
        for cursor, ids in pages
    ]

    assert [pod.id for pod in client.pods()] == ["a", "b", "c", "d"]
    assert [asked.query for asked in server.asked] == [{}, {"cursor": "c1"}, {"cursor": "c&2="}]


def test_a_page_that_points_at_itself_ends(server: Server, client: RunPod) -> None:
    server.replies = [answer({"pods": [POD], "pagination": {"nextCursor": "c1"}})] * 20 + [problem(400)]

    with suppress(errors.ApiError):
        client.pods()

    assert len(server.asked) < 20


def test_delete_needs_no_body(server: Server, client: RunPod) -> None:
    server.replies = [Reply(204)]

    client.terminate("p1")

    assert [(asked.method, asked.path, asked.body) for asked in server.asked] == [("DELETE", "/v2/pods/p1", b"")]


@pytest.mark.parametrize("action", ["stop", "start", "restart"])
def test_an_action_is_named_in_the_body(server: Server, client: RunPod, action: str) -> None:
    server.replies = [answer(POD)]

    {"stop": client.stop, "start": client.start, "restart": client.restart}[action]("p1")

    assert server.asked[0].path == "/v2/pods/p1/action"
    assert json.loads(server.asked[0].body) == {"action": action}


def test_fields_and_words_from_the_future_are_no_error(server: Server, client: RunPod) -> None:
    new = {
        "id": "p1",
        "status": "HIBERNATING",
        "cloud": "ORBITAL",
        "gpu": {"id": "NVIDIA X1", "count": 3, "vcpuCount": 4},
        "mounts": {"tape": {"x": 1}},
        "runtime": {"gpus": [{"temperature": 9}]},
        "ssh": {"proxy": None, "direct": {"host": "h", "port": 1, "username": "u", "key": "k"}},
        "createdAt": "yesterday",
        "new": {"a": []},
    }
    server.replies = [answer({"pods": [new], "new": 1})]

    (pod,) = client.pods()

    assert (pod.status, pod.cloud, pod.gpu_id, pod.gpu_count) == ("HIBERNATING", "ORBITAL", "NVIDIA X1", 3)
    assert (pod.ssh, pod.volume, pod.created_at) == (Endpoint("h", 1, "u"), None, None)


def test_what_is_missing_or_null_is_unknown(server: Server, client: RunPod) -> None:
    names = "name status image args disk mounts ports env cloud dataCenterId gpu ssh cost runtime createdAt registry"
    server.replies = [answer({"pods": [{"id": "a"}, {"id": "b"} | dict.fromkeys(names.split())]})]

    bare, null = client.pods()

    assert (bare.status, bare.name, bare.ports, bare.ssh, bare.gpu_id) == ("UNKNOWN", "", (), None, None)
    assert vars_of(null) == vars_of(bare) | {"id": "b"}


def vars_of(value: object) -> dict[str, object]:
    return {name: getattr(value, name) for name in value.__class__.__match_args__}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("mounts", "volume"),
    [
        ({}, None),
        ({"persistent": {"size": 20, "path": "/w"}}, Volume("/w", size_gb=20)),
        ({"network": [{"volumeId": "v", "path": "/n"}]}, Volume("/n", network_id="v")),
        ({"persistent": None, "network": []}, None),
    ],
)
def test_the_volume_of_a_pod(server: Server, client: RunPod, mounts: object, volume: Volume | None) -> None:
    server.replies = [answer({**POD, "mounts": mounts})]

    assert client.pod("p1").volume == volume


def test_a_catalog_of_several_reads(server: Server, client: RunPod) -> None:
    gpu = {"id": "G", "name": "g", "memory": 80, "secure": True, "community": True, "availability": "LOW"}
    priced = gpu | {"price": {"secure": 3.0, "community": 2.0}, "maxCount": {"secure": 8, "community": 1}}
    places = [{"id": "EU-RO-1", "availability": "HIGH"}, {"id": "US-TX-3", "availability": "SUPERB"}]
    secure = {"gpus": [priced | {"dataCenters": places}, {"id": "unknown"}]}
    community = {"gpus": [priced | {"availability": "NONE", "dataCenters": []}]}
    server.replies = [
        answer(secure),
        answer(community),
        answer({"dataCenters": [{"id": "EU-RO-1", "region": "EUROPE"}]}),
    ]

    parts = [client.gpus("SECURE", count=2, min_cuda="12.8"), client.gpus("COMMUNITY", count=2, cudas=("12.4", "12.8"))]
    catalog = joined(parts, client.data_centers())

    assert [asked.query.get("cloud") for asked in server.asked] == ["SECURE", "COMMUNITY", None]
    assert {asked.query["count"] for asked in server.asked[:2]} == {"2"}
    assert [asked.query.get("minCudaVersion") for asked in server.asked] == ["12.8", None, None]
    assert [asked.query.get("cudaVersions") for asked in server.asked] == [None, "12.4,12.8", None]
    assert [(one.id, one.name, one.memory_gb) for one in catalog.gpus] == [("G", "g", 80)]
    assert {cloud: (o.price, o.max_count) for cloud, o in catalog.gpus[0].offers.items()} == {
        "SECURE": (3.0, 8),
        "COMMUNITY": (2.0, 1),
    }
    assert catalog.stock_of("SECURE", "G", 2, ()) is Stock.LOW
    assert catalog.stock_of("SECURE", "G", 2, ("EU-RO-1",)) is Stock.HIGH
    assert catalog.stock_of("SECURE", "G", 2, ("US-TX-3",)) is Stock.UNKNOWN
    assert catalog.stock_of("COMMUNITY", "G", 2, ()) is Stock.NONE
    assert [(one.id, one.continent) for one in catalog.data_centers] == [("EU-RO-1", "EUROPE")]


LINES = (
    b'id: 1/1\ndata: {"ts":"t","source":"container","line":"Pod Started"}\n\n'
    b": a comment\n\n"
    b'id: 2/1\ndata: {"line":"two"}\n\ndata: no json\n\ndata: []\n\n'
)
TEXTS = ["Pod Started", "two", "no json", "[]"]


def _lines(client: RunPod, quiet_after: float = 0.3, at_most: float = 60.0) -> list[str]:
    return list(client.log_lines("p1", source="container", tail=50, quiet_after=quiet_after, at_most=at_most))


def test_a_log_ends_with_its_connection(server: Server, client: RunPod) -> None:
    server.replies = [Reply(200, LINES, "text/event-stream")]

    assert _lines(client) == TEXTS
    assert server.asked[0].path == "/v2/pods/p1/logs"
    assert server.asked[0].query == {"source": "container", "tail": "50"}


def test_a_log_that_stays_open_ends_after_quiet_time(server: Server, client: RunPod) -> None:
    done = threading.Event()
    server.replies = [Reply(200, LINES, "text/event-stream", open_until=done)]
    began = time.monotonic()

    assert _lines(client) == TEXTS

    assert 0.2 < time.monotonic() - began < 10
    done.set()


def test_a_log_that_breaks_off_keeps_what_came(server: Server, client: RunPod) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    server.replies = [Reply(raw=head + f"{len(LINES):x}\r\n".encode() + LINES + b"\r\n")]

    assert _lines(client) == TEXTS


def test_a_log_without_end_is_cut_off(server: Server, client: RunPod, clock: Clock) -> None:
    server.replies = [Reply(200, LINES * 10, "text/event-stream")]
    taken = []
    for line in client.log_lines("p1", source="system", tail=1, quiet_after=1, at_most=5):
        taken.append(line)
        clock.time += 2

    assert taken == TEXTS[:3]


def test_a_log_that_is_refused_is_an_error(server: Server, client: RunPod) -> None:
    server.replies = [problem(404, "pod not found", x_request_id="req-7")]

    with pytest.raises(errors.NoSuchResource, match="req-7"):
        _lines(client)


def test_the_reader_of_a_log_may_leave_early(server: Server, client: RunPod) -> None:
    server.replies = [Reply(200, LINES, "text/event-stream"), answer({"pods": []})]
    lines = client.log_lines("p1", source="container", tail=1, quiet_after=1, at_most=5)

    assert next(lines) == "Pod Started"
    lines.close()  # type: ignore[attr-defined]
    assert client.pods() == ()
