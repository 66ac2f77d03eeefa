"""Scenario files: what is wrong with one is said with its place."""

from __future__ import annotations

import pytest

from rp_sim.scenario import Scenario, ScenarioError, loads


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[stock]", "scenario.toml: Expected"),
        ("colour = 1", "scenario.toml: colour: unknown key (known: seed, clock"),
        ("[boot]\nstarting = 1", "scenario.toml: boot.starting: unknown key (did you mean 'starting_s'?)"),
        ("[boot]\nstarting_s = -1", "scenario.toml: boot.starting_s: must be at least 0, got -1"),
        ('[boot]\nstarting_s = "1"', "scenario.toml: boot.starting_s: expected a number, got a string"),
        ("[catalog]\nstale = 1", "scenario.toml: catalog.stale: expected true or false, got an integer"),
        ("seed = true", "scenario.toml: seed: expected an integer or"),
        ("boot = 1", "scenario.toml: boot: expected a table, got an integer"),
        ('[[stock]]\n[[stock]]\ngpu = "H100"', "scenario.toml: stock[1].gpu: no GPU type matches 'H100'"),
        ('[[refuse]]\ndata_center = "US-XX-1"', "scenario.toml: refuse[0].data_center: no data center matches"),
        ('[[stock]]\ncount = "lots"', "scenario.toml: stock[0].count: expected an integer or 'none'"),
        ('[[stock]]\ncuda = ["12"]', "scenario.toml: stock[0].cuda[0]: expected major.minor, got '12'"),
        ('[[fault]]\nkind = "reset"', "scenario.toml: fault[0].operation: missing"),
        ('[[fault]]\noperation = "makePod"\nkind = "reset"', "fault[0].operation: no operation matches 'makePod'"),
        ('[[fault]]\noperation = "createPod"\nkind = "boom"', "fault[0].kind: expected one of 'status', 'reset'"),
        ('[[jank]]\nkind = "shim"', "scenario.toml: jank[0].name: missing"),
        ('[[jank]]\nkind = "commands"', "scenario.toml: jank[0].command: missing"),
        (
            '[[jank]]\nkind = "commands"\n[[jank.command]]\nmatch = "("',
            "scenario.toml: jank[0].command[0].match: missing ), unterminated subpattern",
        ),
        ('[[jank]]\nkind = "smi"', "jank[0].fixture: missing: which answer of nvidia-smi"),
        (
            '[[jank]]\nkind = "smi"\nfixture = "fail-ecc"',
            "jank[0].fixture: no fixture matches 'fail-ecc' (did you mean 'fail-",
        ),
        ('[[jank]]\nkind = "smi"\nfixture = "*"', "jank[0].fixture: no fixture matches"),
        ('[[jank]]\nkind = "cuda"', "jank[0].fault: missing: what the driver does wrong"),
        ('[[jank]]\nkind = "cuda"\nfault = "nccl"', "jank[0].fault: expected one of 'init', 'init_once'"),
        ('[[jank]]\nkind = "xid"\nfault = "init"', "jank[0].fault: expected one of none: only cuda and torch"),
        ('[[jank]]\nkind = "host_blocked"\nsite = "a b"', "jank[0].site: expected a pattern of host names, got 'a b'"),
        ('[[jank]]\nkind = "no_tools"\nnames = ["a/b"]', "jank[0].names: expected names, got 'a/b'"),
        ("[hosts]\ncommunity_without_place = 1.5", "hosts.community_without_place: must be at most 1, got 1.5"),
        ('[[landing]]\ngpu = "*"', "scenario.toml: landing[0].data_center: missing"),
        ('[[landing]]\ndata_center = "ZZ-*"', "scenario.toml: landing[0].data_center: no data center matches 'ZZ-*'"),
        ("[[stock]]\nfrom_s = 60\nuntil_s = 60", "scenario.toml: stock[0].until_s: must be above from_s, got 60"),
        ("[[refuse]]\nfrom_s = 9\nuntil_s = 3", "scenario.toml: refuse[0].until_s: must be above from_s, got 3"),
        (
            '[[account.template]]\nname = "t"\nimage = "i"\nvolume = 5',
            "account.template[0].volume: must be 0 or at least 10, got 5",
        ),
        (
            '[[account.template]]\nname = "t"\nimage = "i"\nallowed_cuda = "12"',
            "account.template[0].allowed_cuda[0]: expected major.minor, got '12'",
        ),
        ("[hosts]\ncgroup = 3", "hosts.cgroup: expected one of 1, 2, got 3"),
        ('[images."a b"]\nsshd = 1', 'scenario.toml: images."a b".sshd: expected true or false'),
        ('[[account.pod]]\nname = "x"\nid = "../x"', "account.pod[0].id: expected lower-case letters and digits"),
        ("account = []", "scenario.toml: account: expected a table, got a list"),
        ("images = 1", "scenario.toml: images: expected a table"),
    ],
)
def test_errors_name_the_place(text: str, message: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        loads(text)
    assert message in str(caught.value)


def test_an_empty_file_is_a_healthy_world() -> None:
    assert loads("") == Scenario()


def test_one_entry_may_stand_for_a_list() -> None:
    scenario = loads(
        '[[fault]]\noperation = "createPod"\nkind = "reset"\nnth = 1\n[[jank]]\nkind = "error"\nnth_pod = [1, 3]'
    )
    assert scenario.fault[0].nth == (1,)
    assert scenario.jank[0].nth_pod == (1, 3)


def test_whole_numbers_do_for_seconds() -> None:
    assert loads("[boot]\nsshd_s = 2").boot.sshd_s == 2.0
