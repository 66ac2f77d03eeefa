"""`rp template create`."""

import argparse
from typing import TYPE_CHECKING, Any

from rp.cli import options
from rp.context import Context
from rp.errors import RpError, UsageProblem

if TYPE_CHECKING:
    from rp.operations.template_create import Question


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="the template's name")
    bases = parser.add_mutually_exclusive_group()
    bases.add_argument("--from", dest="base", metavar="NAME", help="begin with one of yours")
    bases.add_argument("--from-runpod", metavar="ID", help="begin with one of RunPod's own, by id or name")
    parser.add_argument("--gpu", type=options.words, metavar="GPU,…", help="as `H100,A100 80gb,4090`")
    parser.add_argument("--count", type=options.at_least(1), metavar="N", help="GPUs of the pod")
    parser.add_argument("--region", type=options.words, metavar="REGION,…", help="as EU, US, US-TX-3")
    parser.add_argument("--cloud", type=options.words, metavar="CLOUD,…", help="SECURE, COMMUNITY or ALL")
    parser.add_argument("--image", help="as runpod/pytorch:1.0.2-cu1281-torch280-ubuntu2404")
    parser.add_argument("--container-disk", type=options.at_least(1), metavar="GB", help="lost at each stop")
    parser.add_argument("--volume", type=options.at_least(0), metavar="GB", help="on the pod's machine; 0 is none")
    parser.add_argument("--volume-path", metavar="PATH", help="where the volume is mounted")
    parser.add_argument("--network-volume", metavar="ID", help="a network volume instead")
    parser.add_argument("--port", action="append", metavar="PORT,…", help="7860 is http; 5000/tcp; may be repeated")
    parser.add_argument("--env", action="append", default=[], metavar="KEY=VALUE", help="may be repeated")
    parser.add_argument("--start-script", metavar="FILE", help="runs at each start of the container; - is stdin")
    parser.add_argument("--smoke", action="append", metavar="CMD", help="must work on the pod; may be repeated")
    parser.add_argument("--max-price", type=options.amount, metavar="USD", help="per hour, for the whole pod")
    parser.add_argument("--min-cuda", metavar="VERSION", help="what the machine's driver must support, as 12.8")
    parser.add_argument("--alias-pattern", metavar="PATTERN", help="sd-{i} takes the lowest free number")
    parser.add_argument("--tag", action="append", default=[], metavar="KEY=VALUE", help="may be repeated")
    options.add_force(parser, "replace a template of that name")
    options.add_json(parser)
    options.examples(
        parser,
        "rp template create sd",
        "rp template create sd --gpu 'H100,A100 80gb' --image IMAGE",
        "rp template create big --from sd --count 8",
        "rp template create pt --from-runpod 'PyTorch 2.8' --gpu 4090",
    )
    parser.set_defaults(run=create)


def create(args: argparse.Namespace, context: Context) -> None:
    from rp.cli.template_share import tell
    from rp.domain import template_document
    from rp.domain.spec import parse_env
    from rp.domain.template import check_name
    from rp.operations import template_create as operation

    check_name(args.name)
    if not args.force:
        # Not after a dozen answers.
        context.templates.check_free([args.name])
    env = parse_env(args.env)
    said = _said(args, env, context)
    raw = operation.build(_base(args, context), said)
    if missing := operation.missing(raw):
        if not context.output.is_interactive:
            raise UsageProblem(
                f"a template needs {' and '.join(_OPTIONS[path] for path in missing)}",
                hint="on a terminal, rp asks for what is missing",
            )
        raw = _ask(args.name, raw, said, context)
    store = context.templates
    made = operation.store(args.name, raw, store, replace=args.force, name_problems=context.name_problems)
    stored = store.raw_of(args.name)
    if args.from_runpod is not None and template_document.wants_consent(stored):
        context.output.note("somebody else made this, so its first deploy asks. It will run:")
        tell(made, context)
    context.output.result(stored, [f"template {args.name} is in {context.paths.templates}"])
    for note in operation.secret_notes(env):
        context.output.warn(note)


_OPTIONS = {"gpuPreference": "--gpu", "container.imageName": "--image"}


def _base(args: argparse.Namespace, context: Context) -> dict[str, Any]:
    if args.base is not None:
        base = context.templates.raw_of(args.base)
        if not isinstance(base, dict):
            raise UsageProblem(f"template `{args.base}` is no object", hint="`rp template validate` tells more")
        return base
    if args.from_runpod is None:
        return {}
    from rp.operations import template_base

    at = context.today().isoformat(timespec="seconds")
    found = template_base.from_runpod(args.from_runpod, context.cloud, at)
    for note in found.notes:
        context.output.quote(f"- {note}")
    return found.raw


def _said(args: argparse.Namespace, env: dict[str, str], context: Context) -> dict[str, Any]:
    from rp.operations.template_create import read_ports, read_tags

    script = context.documents.read(args.start_script) if args.start_script is not None else None
    settings = {
        "gpuPreference": args.gpu,
        "gpuCount": args.count,
        "regionPreference": args.region,
        "cloudPreference": [cloud.upper() for cloud in args.cloud] if args.cloud else None,
        "container.imageName": args.image,
        "container.containerDiskInGb": args.container_disk,
        "container.volumeInGb": args.volume,
        "container.ports": read_ports(args.port) if args.port else None,
        "container.env": env or None,
        "container.startScript": script,
        "volumeMountPath": args.volume_path,
        "networkVolumeId": args.network_volume,
        "health.smokeCommands": args.smoke,
        "maxPricePerHour": args.max_price,
        "minCudaVersion": args.min_cuda,
        "aliasPattern": args.alias_pattern,
        "tags": read_tags(args.tag) or None,
    }
    return {path: value for path, value in settings.items() if value is not None}


def _ask(name: str, raw: dict[str, Any], said: dict[str, Any], context: Context) -> dict[str, Any]:
    """One question after the other, but for what the options said; raises RpError at Ctrl-D."""
    from rp.operations import template_create as operation

    operation.check_said(name, said, context.name_problems)
    context.output.note("Enter takes what is in brackets; Ctrl-D stores nothing.")
    for question in operation.QUESTIONS:
        has_volume = question.path == "container.volumeInGb" and raw.get("networkVolumeId")
        if question.path not in said and not has_volume:
            raw = _answer(name, raw, question, context)
    return raw


def _answer(name: str, raw: dict[str, Any], question: "Question", context: Context) -> dict[str, Any]:
    from rp.operations import template_create as operation
    from rp.output import templates as shown

    while True:
        answer = shown.ask(question.text, operation.default_of(question, raw), context.stdin, context.stderr)
        if answer is None:
            raise RpError("nothing was stored")
        if not answer and question.path in operation.missing(raw):
            context.output.note("  a template needs this")
            continue
        try:
            if answer:
                return operation.answered(name, raw, question, answer, context.name_problems)
            operation.check_names(name, raw, question.path, context.name_problems)
            return raw
        except UsageProblem as wrong:
            context.output.note(f"  {wrong.message}")
