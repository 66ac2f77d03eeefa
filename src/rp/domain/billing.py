"""What RunPod charged."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class PodBill:
    """One pod over one span of time; amounts in USD."""

    pod_id: str
    start: datetime | None
    end: datetime | None
    total: float
    gpu: float
    disk: float
