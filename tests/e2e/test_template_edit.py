"""`rp template edit`, with editors that are programs."""

import json
import re
from pathlib import Path
from typing import Any

import pexpect
import pytest

from conftest import RP, User

EDITED = {"gpuPreference": ["A40"], "container": {"imageName": "image", "zzz": [1]}, "name": "sd"}


def _stored(user: User, name: str = "sd") -> dict[str, Any]:
    found: dict[str, Any] = json.loads((user.config / "templates.json").read_text())[name]
    return found


def _replacing(user: User, text: str) -> str:
    """An editor that saves `text`."""
    path = user.home / "typed.json"
    path.write_text(text)
    return f"cp '{path}'"


def _kept(text: str) -> Path:
    [path] = re.findall(r"your text is in (\S+)", text)
    return Path(path)


@pytest.fixture(autouse=True)
def _drafts_in_home(user: User) -> None:
    folder = user.home / "tmp"
    folder.mkdir()
    user.env["TMPDIR"] = str(folder)


def test_a_stored_name_leads_nowhere_else(user: User) -> None:
    """A name that somebody wrote into the file by hand; the folder of a draft is removed at the end."""
    name = "../../precious/sd"
    precious = user.home / "precious"
    precious.mkdir()
    (precious / "thesis.tex").write_text("years of work")
    user.write_template(name)

    user.rp("template", "edit", name, EDITOR="true")

    assert (precious / "thesis.tex").exists()
    assert list((user.home / "tmp").iterdir()) == []


def test_what_is_valid_replaces_the_template_and_keeps_unknown_keys(user: User) -> None:
    user.write_template("sd", note="mine")
    user.write_template("other", note="theirs")
    before = _stored(user, "other")

    changed = user.rp("template", "edit", "sd", EDITOR="sed -i 's/4090/4080/'")
    replaced = user.rp("template", "edit", "sd", VISUAL=_replacing(user, json.dumps(EDITED)), EDITOR="false")

    assert changed.out == "changed template sd\n"
    assert "sd.note: unknown key" in changed.err
    assert replaced.code == 0
    assert _stored(user) == EDITED
    assert _stored(user, "other") == before
    assert list((user.home / "tmp").iterdir()) == []


def test_the_editor_gets_the_whole_template_in_a_file_of_the_users_alone(user: User) -> None:
    user.write_template("sd", note="ü")
    look = user.write_config("look.sh", 'stat -c "%a %A" "$1" "${1%/*}"; cat "$1"\n')

    result = user.rp("template", "edit", "sd", EDITOR=f"sh '{look}'")

    first, second, *text = result.out.splitlines()
    assert (first.split()[0], second.split()[0]) == ("600", "700")
    assert json.loads("\n".join(text[:-1])) == _stored(user)
    assert '"ü"' in result.out
    assert text[-1] == "nothing changed in template sd"


def test_what_is_not_valid_is_not_stored_and_not_lost(user: User) -> None:
    user.write_template()
    before = _stored(user)

    for text, problem in (
        ('{"gpuPreference": [], "gpuCount": "two"}', "sd.gpuPreference: needs at least one GPU"),
        ('{"a": ', "what was saved is no JSON that rp can use"),
        ("", "line 1, column 1"),
        ("[]", "expected an object"),
    ):
        refused = user.rp("template", "edit", "sd", code=1, EDITOR=_replacing(user, text))

        assert problem in refused.err
        assert _kept(refused.err).read_text() == text
        assert f"rp template edit sd --file {_kept(refused.err)}" in refused.err
        assert _stored(user) == before

    # The text that was kept is gone on with, and is still one's own.
    kept = _kept(refused.err)
    kept.write_text(json.dumps(EDITED))
    user.rp("template", "edit", "sd", "--file", str(kept), EDITOR="true")
    assert _stored(user) == EDITED


def test_a_template_that_changed_meanwhile_is_not_overwritten(user: User) -> None:
    user.write_template()
    script = user.write_config(
        "race.sh", f"'{RP}' template create sd --gpu L4 --image mine -f && sed -i 's/4090/4080/' \"$1\""
    )

    refused = user.rp("template", "edit", "sd", code=1, EDITOR=f"sh '{script}'")

    assert "was changed meanwhile" in refused.err
    assert "RTX 4080" in _kept(refused.err).read_text()
    assert _stored(user)["gpuPreference"] == ["L4"]


def test_an_editor_that_fails_stores_nothing(user: User) -> None:
    user.write_template()
    before = _stored(user)
    script = user.write_config("fails.sh", 'echo typed >> "$1"; exit 3')

    untouched = user.rp("template", "edit", "sd", code=1, EDITOR="false")
    typed = user.rp("template", "edit", "sd", code=1, EDITOR=f"sh '{script}'")

    assert "ended with status 1: nothing was stored" in untouched.err
    assert "your text" not in untouched.err
    assert _kept(typed.err).read_text().endswith("typed\n")
    assert _stored(user) == before


def test_without_an_editor_it_says_what_to_set(user: User) -> None:
    user.write_template()

    none = user.rp("template", "edit", "sd", code=2)
    unknown = user.rp("template", "edit", "sd", code=2, EDITOR="no-such-editor --wait")
    broken = user.rp("template", "edit", "sd", code=2, EDITOR="'vi")
    nothing = user.rp("template", "edit", "sdd", code=6, EDITOR="false")

    assert "no editor is set" in none.err
    assert "no program `no-such-editor`" in unknown.err
    assert "No closing quotation" in broken.err
    assert all("export EDITOR=" in result.err for result in (none, unknown, broken))
    assert "did you mean `sd`?" in nothing.err


def test_on_a_terminal_it_asks_to_edit_again_and_ctrl_c_is_the_editors(user: User) -> None:
    user.write_template()
    # The first time it spoils the file, the second time it mends it; in between the user presses Ctrl-C in it.
    script = user.write_config(
        "editor.sh",
        'trap "echo caught" INT; if grep -q 4090 "$1"; then sed -i "s/\\"NVIDIA.*4090\\"//" "$1"; else\n'
        'echo waiting; read line; sed -i "s/\\"gpuPreference\\": \\[/&\\"L4\\"/" "$1"; fi\n',
    )
    child = pexpect.spawn(RP, ["template", "edit", "sd"], env={**user.env, "EDITOR": f"sh '{script}'"}, timeout=30)

    child.expect_exact("needs at least one GPU")
    child.expect_exact("Edit it again? [Y/n] ")
    child.sendline("")
    child.expect_exact("waiting")
    child.sendintr()
    child.expect_exact("caught")
    child.sendline("")
    child.expect_exact("changed template sd")
    child.expect(pexpect.EOF)
    child.close()

    assert child.exitstatus == 0
    assert _stored(user)["gpuPreference"] == ["L4"]


@pytest.mark.parametrize(("answer", "code"), [("n\n", 1), ("\x04", 1), ("\x03", 130)])
def test_on_a_terminal_no_and_ctrl_c_end_it_and_say_where_the_text_is(user: User, answer: str, code: int) -> None:
    user.write_template()
    before = _stored(user)
    child = pexpect.spawn(
        RP,
        ["template", "edit", "sd"],
        env={**user.env, "EDITOR": _replacing(user, "{}")},
        timeout=30,
        encoding="utf-8",
        dimensions=(40, 300),
    )

    child.expect_exact("Edit it again? [Y/n] ")
    child.send(answer)
    child.expect(pexpect.EOF)
    child.close()

    assert child.exitstatus == code
    assert _kept(child.before or "").read_text() == "{}"
    assert _stored(user) == before
