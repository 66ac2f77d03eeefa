"""The question before the first deploy of an imported template: what is shown, agreed to and deployed is the same."""

import io
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from rp.cli import deploy as command
from rp.cli import recovery
from rp.cli.options import Parser
from rp.context import Context
from rp.domain import template_document
from rp.domain.candidate import Candidates
from rp.domain.catalog import Catalog
from rp.domain.identity import Identity
from rp.domain.image import Reference
from rp.domain.spec import Spec
from rp.errors import RpError, UsageProblem
from rp.operations import preflight
from rp.operations.ports import Ports
from rp.operations.results import Plan
from rp.output import deploys

RAW: dict[str, Any] = {
    "name": "sd",
    "gpuPreference": ["H100"],
    "container": {"imageName": "evil", "startScript": "echo all of it", "env": {"A": "theirs"}},
}
MARKED = template_document.marked(RAW, "https://example.com/sd.json", "now")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@dataclass
class Deploys:
    """`rp deploy` up to where it would create a pod; `meanwhile` happens once RunPod has answered."""

    home: Path
    begun: list[Spec] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    meanwhile: dict[str, Any] | None = None

    @property
    def file(self) -> Path:
        return self.home / ".config" / "rp" / "templates.json"

    def store(self, raw: Any) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.write_text(json.dumps({"sd": raw}))

    @property
    def has_agreed(self) -> bool:
        return not template_document.wants_consent(json.loads(self.file.read_text())["sd"])

    def prepare(self, spec: Spec, alias: str | None, *, force: bool, ports: Ports) -> Plan:
        ports.images.facts(Reference("evil.example", "x", "1"), 0.0)
        if self.meanwhile is not None:
            self.store(self.meanwhile)
        return Plan("id", spec, alias or "a", force, Candidates((), ()), Catalog(), Identity("ssh-ed25519 A", None))

    def run(self, *words: str, typed: str | None = None) -> str:
        """What is shown; `typed` on a terminal, None where there is none."""
        err = io.StringIO() if typed is None else Terminal()
        stdin = io.StringIO() if typed is None else Terminal(typed)
        env = {"HOME": str(self.home), "RUNPOD_API_KEY": "k", "RP_API_URL": "http://127.0.0.1:9", "COLUMNS": "200"}
        context = Context(env, stdin, io.StringIO(), err, wants_json=False)
        context.__dict__["images"] = self
        parser = Parser()
        command.configure(parser)
        command.deploy(parser.parse_args(["sd", *words]), context)
        return err.getvalue()

    def begin(self, plan: Plan, *_: object) -> int:
        self.begun.append(plan.spec)
        return 0

    def facts(self, reference: Reference, now: float) -> None:
        self.asked.append(str(reference))


@pytest.fixture
def deploy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Deploys:
    made = Deploys(tmp_path)
    made.store(MARKED)
    monkeypatch.setattr(recovery, "recover", lambda _: None)
    monkeypatch.setattr(preflight, "prepare", made.prepare)
    monkeypatch.setattr(deploys, "question", lambda _: "For money?")
    monkeypatch.setattr(command, "_deploy_one", made.begin)
    return made


def test_ones_own_template_is_not_asked_about(deploy: Deploys) -> None:
    deploy.store(RAW)

    assert deploy.run() == ""
    assert len(deploy.begun) == 1


def test_what_will_run_is_shown_and_a_yes_counts_for_good(deploy: Deploys) -> None:
    deploy.run(typed="\n")
    assert (deploy.begun, deploy.has_agreed) == ([], False)

    shown = deploy.run(typed="y\ny\n")

    assert (len(deploy.begun), deploy.has_agreed) == (1, True)
    assert "imported from https://example.com/sd.json" in shown
    assert "echo all of it" in shown
    assert deploy.run() == ""


def test_without_a_terminal_it_takes_an_explicit_yes(deploy: Deploys) -> None:
    with pytest.raises(UsageProblem, match="no terminal"):
        deploy.run()
    assert (deploy.begun, deploy.has_agreed) == ([], False)

    deploy.run("--yes")
    assert (len(deploy.begun), deploy.has_agreed) == (1, True)


def test_who_says_no_to_the_price_has_agreed_to_nothing(deploy: Deploys) -> None:
    shown = deploy.run(typed="y\nn\n")

    assert "For money?" in shown
    assert (deploy.begun, deploy.has_agreed) == ([], False)


def test_what_is_shown_is_what_is_agreed_to_and_the_options_stand_beside_it(deploy: Deploys) -> None:
    """Options are for one deploy: an image of the user's own must not make the stored one agreed to, unseen."""
    shown = deploy.run("--image", "mine", "--env", "A=own", "--env", "HF_TOKEN=hf_geheim", typed="y\ny\n")

    assert "  image          evil" in shown
    assert "    | A=theirs" in shown
    options = shown.partition("the options of this command change")[2]
    assert '  + container.imageName: "mine"' in options
    assert '  + container.env.A: "own"' in options
    assert "  + container.env.HF_TOKEN:" in options
    assert "geheim" not in shown


def test_what_was_changed_before_the_answer_is_not_agreed_to(deploy: Deploys) -> None:
    deploy.meanwhile = {**MARKED, "container": {"imageName": "worse"}}

    with pytest.raises(RpError, match="was changed meanwhile"):
        deploy.run(typed="y\ny\n")

    assert (deploy.begun, deploy.has_agreed) == ([], False)


def test_the_registry_of_a_stranger_is_not_asked_before_the_answer(deploy: Deploys) -> None:
    deploy.run(typed="y\ny\n")
    assert deploy.asked == []

    deploy.run()
    assert len(deploy.asked) == 1
