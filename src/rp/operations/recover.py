"""What earlier commands left behind: ended, or handed to the alias that owns it."""

from collections.abc import Generator

from rp import errors
from rp.operations import ending
from rp.operations.events import Event, Warned
from rp.operations.ports import Ports


def recover(ports: Ports) -> Generator[Event, None, int]:
    """Settle every deployment whose process is gone; return how many are still open.

    Costs no API call where nothing is open. An API that does not answer is a warning: the next command tries again.
    """
    still_open = 0
    for deployment_id in ports.journal.unfinished():
        deployment = ports.journal.claim(deployment_id)
        if deployment is None:
            continue
        try:
            if (yield from ending.settle(deployment, ports)):
                deployment.finish("interrupted", ports.clock.now())
            else:
                still_open += 1
        except errors.ApiError as error:
            still_open += 1
            yield Warned(f"cannot look after deployment {deployment_id} now: {error.message}")
        finally:
            deployment.close()
    return still_open
