"""What earlier commands left behind: ended, or handed to the alias that owns it."""

from collections.abc import Generator

from rp.errors import RpError
from rp.operations import ending
from rp.operations.events import Event, Warned
from rp.operations.ports import Ports


def recover(ports: Ports, *, everything: bool = False) -> Generator[Event, None, int]:
    """Settle the deployments whose process is gone; return how many are still open.

    Those of this key and address, or `everything`. Costs no API call where nothing is open; trouble is a warning,
    and the next command tries again.
    """
    still_open = 0
    for deployment_id in ports.journal.unfinished(None if everything else ports.account):
        try:
            settled = yield from _recover_one(deployment_id, ports)
        except RpError as error:
            yield Warned(f"cannot look after deployment {deployment_id} now: {error.message}")
            settled = False
        still_open += not settled
    return still_open


def _recover_one(deployment_id: str, ports: Ports) -> Generator[Event, None, bool]:
    deployment = ports.journal.claim(deployment_id)
    if deployment is None:
        return True
    try:
        settled = yield from ending.settle(deployment, ports, patience=ending.LITTLE_PATIENCE)
        if settled:
            deployment.finish("interrupted", ports.clock.now())
    finally:
        deployment.close()
    return settled
