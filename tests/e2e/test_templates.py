"""`rp template`."""

import json
from collections.abc import Callable

from conftest import IMAGE, User, World

POD = f"""
[[account.pod]]
id = "source1"
name = "by-hand"
image = "{IMAGE}"
env = {{ HF_TOKEN = "hf_secret", PLAIN = "visible", "ODD-NAME" = "x" }}
"""


def test_secrets_stay_out_unless_asked_for(user: User, make_world: Callable[..., World]) -> None:
    make_world(POD)

    usual = user.rp("template", "derive", "a", "--from", "source1")
    user.rp("template", "derive", "b", "--from", "source1", "--include-env", "true")
    user.rp("template", "derive", "c", "--from", "source1", "--include-env", "false")

    env = {name: user.rp("template", "show", name).json["container"].get("env") for name in ("a", "b", "c")}
    assert env["a"] == {"HF_TOKEN": "${env:HF_TOKEN}", "PLAIN": "visible"}
    assert env["b"] == {"HF_TOKEN": "hf_secret", "PLAIN": "visible"}
    assert env["c"] is None
    assert "HF_TOKEN looks like a secret" in usual.err
    assert "ODD-NAME" in usual.err
    assert "hf_secret" not in usual.out + usual.err


def test_a_template_of_that_name_is_replaced_only_by_force(user: User, make_world: Callable[..., World]) -> None:
    make_world(POD)
    user.rp("template", "derive", "a", "--from", "source1")

    refused = user.rp("template", "derive", "a", "--from", "source1", code=2)
    user.rp("template", "derive", "a", "--from", "source1", "--force")

    assert "--force" in refused.err


def test_a_name_that_could_be_a_path_is_refused(user: User, make_world: Callable[..., World]) -> None:
    make_world(POD)

    for name in ("../x", "a b", "", "x" * 64):
        assert "cannot be a template's name" in user.rp("template", "derive", name, "--from", "source1", code=2).err


def test_list_shows_what_the_file_has_valid_or_not(user: User) -> None:
    user.write_template("good", gpuPreference=["H100", "A40"], gpuCount=2, regionPreference=["EU"])
    user.write_config(
        "templates.json", json.dumps(json.loads((user.config / "templates.json").read_text()) | {"bad": 7})
    )

    rows = user.rp("template", "list").out.splitlines()
    shown = user.rp("template", "show", "bad", code=1)

    assert rows == ["bad\t?\tsecure\tanywhere\t?", f"good\t2x H100, A40\tsecure\tEU\t{IMAGE}"]
    assert "bad: expected an object, got 7" in shown.err


def test_delete_asks_and_leaves_the_others_with_their_unknown_keys(user: User) -> None:
    user.write_template("a", note="mine")
    user.write_template("b")

    refused = user.rp("template", "delete", "b", code=2)
    user.rp("template", "delete", "b", "--yes")

    assert "--yes" in refused.err
    assert user.rp("template", "list", "--json").json == {"a": user.rp("template", "show", "a").json}
    assert user.rp("template", "show", "a").json["note"] == "mine"
