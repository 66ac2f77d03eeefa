"""Log lines of starting pods → how far they are, and why they will not come up."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rp.domain import boot_log
from rp.domain.boot_causes import MOST_CHARACTERS, container_cause, quoted
from rp.domain.boot_log import MOST_LAYERS, BootLog, Stage, read
from rp.domain.verdict import Owner

BAR = "[==========>                                        ]"
PULL = [
    "create container example/train:3",
    "3 Pulling from example/train",
    "0a1b2c3d4e5f Already exists",
    "1a1b2c3d4e5f Pulling fs layer",
    "2a1b2c3d4e5f Pulling fs layer",
    "3a1b2c3d4e5f Waiting",
]
DAEMON = "Error response from daemon: "
OCI = (
    f"error starting container: {DAEMON}failed to create task for container: failed to create shim task: "
    "OCI runtime create failed: runc create failed: unable to start container process: "
)
HOOK = f"{OCI}error during container init: error running prestart hook #0: exit status 1, stdout: , stderr: "
BEGIN = "start container for example/train:3: begin"


def _sign(number: int) -> str:
    return f"1a1b2c3d4e5f Downloading {BAR}  {number}MB/4.5GB"


def test_a_pull_is_told_in_layers_and_whole_gigabytes() -> None:
    lines = [*PULL, f"1a1b2c3d4e5f Downloading {BAR}  4.2GB/5.689GB", "2a1b2c3d4e5f Download complete"]

    log = read(lines)

    assert log.stage is Stage.PULLING
    assert log.is_preparing
    assert log.words() == "pulling the image: 2 of 4 layers, 4 GB so far"


def test_what_was_pulled_before_counts_when_its_line_is_gone() -> None:
    early = read([*PULL, f"1a1b2c3d4e5f Downloading {BAR}  2.5GB/3GB"])

    late = read(["1a1b2c3d4e5f Verifying Checksum", f"2a1b2c3d4e5f Downloading {BAR}  1.5GB/9GB"], early)

    assert late.words() == "pulling the image: 2 of 4 layers, 4 GB so far"


def test_all_layers_there_means_unpacking() -> None:
    layers = [
        f"{number}a1b2c3d4e5f {word}"
        for number, word in enumerate(["Pull complete", f"Extracting {BAR} 1GB/2GB", "Download complete"])
    ]

    assert read(layers).words() == "unpacking the image: 1 of 3 layers"


def test_lines_are_read_with_or_without_a_time_a_colon_and_a_percentage() -> None:
    log = read(
        [
            f"2025-06-03T07:54:21Z c7de18f1cb15 Downloading {BAR}  4.86MB/231.1MB",
            f"a7de18f1cb15: Extracting {BAR}  1.2GB/5.5GB  22%",
        ]
    )

    assert {layer.size for layer in log.layers.values()} == {231.1e6, 5.5e9}


@pytest.mark.parametrize(
    ("lines", "stage"),
    [
        ([], Stage.UNKNOWN),
        (["Pod Started", ""], Stage.UNKNOWN),
        (["create pod abc: waiting for a machine"], Stage.CREATING),
        (["create container example/train:3"], Stage.CREATING),
        (["pending image pull example/train:3"], Stage.PULLING),
        (["error creating container: image pull: example/train:3: pending"] * 9, Stage.PULLING),
        (["Status: Downloaded newer image for example/train:3"], Stage.PULLED),
        (["Status: Image is up to date for example/train:3", BEGIN], Stage.STARTED),
        ([BEGIN, "create container example/train:3"], Stage.STARTED),
    ],
)
def test_stages(lines: list[str], stage: Stage) -> None:
    log = read(lines)

    assert log.stage is stage
    assert log.cause is None
    assert log.is_preparing == (Stage.UNKNOWN < stage < Stage.STARTED)


def test_progress_is_what_is_further_than_ever_before() -> None:
    first = read([*PULL, _sign(100)])
    same = read([_sign(100)], first)
    further = read([_sign(101)], same)
    anew = read(["create container example/train:3", *PULL, _sign(5)], further)
    overtaken = read([_sign(102)], anew)

    assert first.is_beyond(BootLog())
    assert not same.is_beyond(first)
    assert further.is_beyond(same)
    assert not anew.is_beyond(further)
    assert overtaken.is_beyond(anew)
    assert read(["1a1b2c3d4e5f Download complete"], overtaken).is_beyond(overtaken)
    assert read([BEGIN], overtaken).is_beyond(overtaken)


DENIED = (
    f"error pulling image: {DAEMON}pull access denied for example/secret, repository does not exist or may require "
    "'docker login': denied: requested access to the resource is denied"
)
LIMITED = (
    f"error pulling image: {DAEMON}toomanyrequests: You have reached your unauthenticated pull rate limit. "
    "https://www.docker.com/increase-rate-limit"
)
TOO_OLD = (
    "nvidia-container-cli: requirement error: unsatisfied condition: cuda>=12.8, please update your driver to a newer "
    "version, or use an earlier cuda container: unknown"
)
# (lines, words of the reason, owner, final)
HOPELESS: list[tuple[list[str], str, Owner, bool]] = [
    (
        [f"error pulling image: {DAEMON}manifest for example/train:9 not found: manifest unknown: manifest unknown"],
        "check its name and its tag",
        Owner.IMAGE,
        True,
    ),
    (["failed to pull image: manifest unknown"], "no such image: manifest unknown", Owner.IMAGE, True),
    (
        [
            DENIED,
            f"error creating container: {DAEMON}No such image: example/secret:latest",
        ],
        "`registryAuthId`",
        Owner.IMAGE,
        True,
    ),
    (
        [f'error pulling image: {DAEMON}Head "https://ghcr.example/v2/a/manifests/b": denied: denied'],
        "denied: denied",
        Owner.IMAGE,
        True,
    ),
    ([f"error pulling image: {DAEMON}unauthorized: authentication required"], "unauthorized", Owner.IMAGE, True),
    ([f"error creating container: {DAEMON}invalid reference format"], "invalid reference format", Owner.IMAGE, True),
    (
        [f"failed to pull image: {DAEMON}no matching manifest for linux/amd64 in the manifest list entries"],
        "linux/amd64",
        Owner.IMAGE,
        True,
    ),
    (["failed to pull image: no such image"], "no such image", Owner.IMAGE, True),
    (
        [
            LIMITED,
            f"error creating container: {DAEMON}No such image: example/train:3",
        ],
        "unauthenticated pull rate limit",
        Owner.MACHINE,
        False,
    ),
    (
        ["failed to pull image: failed to register layer: Container ID 78971 cannot be mapped to a host ID"],
        "78971",
        Owner.IMAGE,
        False,
    ),
    (
        ["failed to pull image: failed to register layer: write /opt/a.so: no space left on device"],
        "its disk is full",
        Owner.MACHINE,
        False,
    ),
    (["failed to pull image: failed to register layer: layer does not exist"], "unpack", Owner.MACHINE, False),
    (
        [
            f"{HOOK}Auto-detected mode as 'legacy'",
            TOO_OLD,
        ],
        '"minCudaVersion": "12.8"',
        Owner.MACHINE,
        False,
    ),
    (
        [f"{HOOK}nvidia-container-cli: initialization error: nvml error: driver/library version mismatch"] * 2,
        "driver/library version mismatch",
        Owner.MACHINE,
        False,
    ),
    (
        [f'{OCI}exec: "/start.sh": stat /start.sh: no such file or directory: unknown'],
        "start command cannot run",
        Owner.IMAGE,
        False,
    ),
    ([f'{OCI}exec: "/start.sh": permission denied: unknown'], "permission denied", Owner.IMAGE, False),
    ([f"{OCI}error mounting proc: device busy"] * 3, "device busy", Owner.MACHINE, False),
    ([f"{OCI}error mounting nfs: access denied by server"] * 3, "cannot start", Owner.MACHINE, False),
    (
        [f"error pulling image: {DAEMON}net/http: TLS handshake timeout"] * 3,
        "cannot pull the image: net/http: TLS handshake timeout",
        Owner.MACHINE,
        False,
    ),
    ([BEGIN] * 3, "begun again, 3 times", Owner.IMAGE, False),
]


@pytest.mark.parametrize(("lines", "words", "owner", "final"), HOPELESS)
def test_what_will_not_pass_is_told_apart(lines: list[str], words: str, owner: Owner, final: bool) -> None:
    cause = read(lines).cause

    assert cause is not None
    assert words in cause.sentence
    assert (cause.owner, cause.final) == (owner, final)


@pytest.mark.parametrize(
    "lines",
    [
        [f"error pulling image: {DAEMON}net/http: TLS handshake timeout"] * 2,
        [f"error creating container: {DAEMON}No such image: example/train:3"] * 2,
        [f"{OCI}error mounting proc: device busy"] * 2,
        [BEGIN] * 2,
        # An image may be called anything.
        ["create container example/manifest-unknown:access-denied", "latest Pulling from example/toomanyrequests"],
        ["start container for example/unauthorized:denied: begin"],
        ["1a1b2c3d4e5f Retrying in 5 seconds"],
    ],
)
def test_what_may_pass_is_no_cause(lines: list[str]) -> None:
    assert read(lines).cause is None


def test_a_pull_that_went_well_in_the_end_is_forgiven() -> None:
    failed = [f"error pulling image: {DAEMON}connection reset by peer"] * 5

    assert read(failed).cause is not None
    assert read([*failed, "Status: Downloaded newer image for example/train:3"]).cause is None


def test_an_error_that_may_pass_is_shown_all_the_same() -> None:
    log = read([*PULL, f"error pulling image: {DAEMON}unexpected EOF"])

    assert log.words() == "pulling the image: 1 of 4 layers, after an error: unexpected EOF"


def test_machines_are_remembered_for_their_own_faults_alone() -> None:
    too_old = read(["nvidia-container-cli: requirement error: unsatisfied condition: cuda>=13.0"]).cause
    full = read(["failed to pull image: no space left on device"]).cause
    limited = read(["failed to pull image: toomanyrequests"]).cause

    assert full
    assert too_old
    assert limited
    assert (full.remember, too_old.remember, limited.remember) == (True, False, False)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("/start.sh: line 20: service: ssh: unrecognized service", "no sshd in the image"),
        ("bash: line 1: /usr/sbin/sshd: No such file or directory", "no sshd in the image"),
        ("ssh: unrecognized service", "no sshd in the image"),
        ("/bin/sh: 1: sshd: not found", "no sshd in the image"),
        ("exec /start.sh: no such file or directory", "start command cannot run"),
        ("exec /opt/entry: exec format error", "start command cannot run"),
        ("start command failed with exit status 3", "start command failed"),
        ("Server listening on 0.0.0.0 port 22.", None),
        ("ModuleNotFoundError: No module named 'sshd_tools'", None),
    ],
)
def test_the_containers_own_words(line: str, words: str | None) -> None:
    cause = container_cause(["Pod Started", line])

    if words is None:
        assert cause is None
    else:
        assert cause is not None
        assert words in cause.sentence
        assert cause.owner is Owner.IMAGE
        assert not cause.final


def test_a_quote_is_short_and_steers_no_terminal() -> None:
    hostile = quoted("\x1b[31mred\x07 \u202eright to left\r\n" + "x" * 10_000)

    assert hostile.isprintable()
    assert len(hostile) <= 200


def test_a_crash_loop_quotes_the_containers_last_words() -> None:
    cause = boot_log.crash_loop(4, "KeyError: 'HF_TOKEN'\x1b[0m")

    assert "4 times so far; it last said: KeyError: 'HF_TOKEN'" in cause.sentence
    assert cause.sentence.isprintable()


WORDS = st.sampled_from(
    [line for lines, *_ in HOPELESS for line in lines]
    + PULL
    + [BEGIN, "\x1b]0;title\x07", "{}", "{0.__class__}", "%s", "9" * 400 + "MB/1GB", "1e400GB/1GB", "\ud800"]
)
LINE = st.one_of(
    WORDS,
    st.text(max_size=200),
    st.builds(lambda before, words, after: before + words + after, st.text(), WORDS, st.text()),
    st.builds(lambda digits, step: f"{digits:012x} {step} {BAR} 9GB/9GB", st.integers(0, 2**48), st.text(max_size=9)),
)


@given(st.lists(st.lists(LINE, max_size=30), max_size=4))
def test_whatever_the_log_says_it_is_read_and_bounded(reads: list[list[str]]) -> None:
    log = BootLog()
    for lines in reads:
        further = read(lines, log)
        assert further.stage >= log.stage
        log = further
    sentences = [log.words(), log.trouble, log.cause.sentence if log.cause else ""]
    for lines in reads:
        cause = container_cause(lines)
        sentences += [cause.sentence] if cause else []
    for sentence in sentences:
        assert len(sentence) < 600
        assert sentence.isprintable()


@pytest.mark.parametrize(
    "lines",
    [
        (f"{number:012x} Downloading {BAR} 1MB/2MB" for number in range(10_000)),
        ("error pulling image: " + "denied " * 1_000_000 for _ in range(3)),
        ("manifest for " + "a " * 1_000_000,),
        (BEGIN for _ in iter(int, 1)),
    ],
)
def test_a_flood_is_cut(lines: Iterable[str]) -> None:
    log = read(lines)

    assert len(log.layers) <= MOST_LAYERS
    assert len(log.trouble) < MOST_CHARACTERS
