"""GPUs that are missing, faulty or in a bad state, as nvidia-smi and the kernel tell it."""

from __future__ import annotations

from dataclasses import replace

from health import pods
from health.breaking import FAIL, IMAGE, WARN, Broken, later, lost_under_load, printed, several, smi, xid
from health.pods import Card, Pod
from rp.domain.verdict import DEEP

REASON = "clocks_event_reasons/clocks_event_reason"
COUNTER = "clocks_event_reasons_counters/clocks_event_reasons_counters"
LANES = "pci/pci_gpu_link_info/link_widths/current_link_width"
PRESENCE = [
    Broken(
        "gpu.no_evidence", FAIL, Pod(sections={"smi": ("127", 9, "no nvidia-smi"), "cuda": ("127", 9, "no python3")})
    ),
    Broken(
        "gpu.no_evidence",
        FAIL,
        Pod(level="passive", sections={"smi": ("127", 9, ""), "dev": ("0", 9, "")}),
        also=("dev",),
    ),
    printed("gpu.nvidia_smi", FAIL, "smi", "9", "smi_rc=9\nNVIDIA-SMI has failed because it couldn't communicate"),
    printed("gpu.nvidia_smi", FAIL, "smi", "255", "smi_rc=255\nFailed to initialize NVML: Unknown Error"),
    printed("gpu.nvidia_smi", FAIL, "smi", "0", "Failed to initialize NVML: Unknown Error"),
    printed("gpu.nvidia_smi", FAIL, "smi", "6", "No devices were found"),
    printed("gpu.nvidia_smi", FAIL, "smi", "timeout", ""),
    printed("gpu.nvidia_smi", WARN, "smi", "18", "Driver/library version mismatch", owner=IMAGE),
    Broken("gpu.nvidia_smi", FAIL, Pod(level="passive", sections={"smi": ("18", 9, "mismatch")})),
    Broken("gpu.nvidia_smi", WARN, Pod(sections={"smi": ("14", 400, pods.smi(Pod()))})),
    Broken("gpu.nvidia_smi", FAIL, Pod(level=DEEP, sections={"smi3": ("255", 9, "Failed to initialize NVML")})),
    Broken("gpu.count", FAIL, Pod(asked=replace(Pod().asked, gpu_count=2)), also=("cuda.count", "dev")),
    Broken("gpu.count", WARN, Pod(cards=[Card(), Card(index=1)])),
    Broken("gpu.count", FAIL, lost_under_load()),
    smi("gpu.model", FAIL, "product_name", "NVIDIA H100 PCIe"),
    smi("gpu.vram", FAIL, "fb_memory_usage/total", "79000 MiB"),
    smi("gpu.vram", WARN, "fb_memory_usage/total", "163000 MiB", says="modified"),
    smi("gpu.mig", FAIL, "mig_mode/current_mig", "Enabled"),
    smi("gpu.compute_mode", FAIL, "compute_mode", "Prohibited"),
    smi("gpu.compute_mode", WARN, "compute_mode", "Exclusive_Process"),
    printed("dev", WARN, "dev", "0", "crw-rw-rw- 1 root root 195, 255 Nov 1 10:00 /dev/nvidiactl"),
    printed("dev.aer", WARN, "dev", "0", "crw 195, 0 /dev/nvidia0\npci=0000:01:00.0 aer_fatal=2 aer_nonfatal=0"),
]
FAULTS = [
    smi("gpu.unreadable", FAIL, "temperature/memory_temp", "[Unknown Error]"),
    smi("gpu.unreadable", FAIL, "performance_state", "GPU is lost"),
    smi("gpu.unreadable", WARN, "gpu_power_readings/power_draw", "Unknown Error"),
    smi("gpu.ecc_uncorrected", FAIL, "ecc_errors/volatile/dram_uncorrectable", "1"),
    smi("gpu.ecc_uncorrected", FAIL, "ecc_errors/volatile/sram_uncorrectable_secded", "1"),
    smi("gpu.ecc_uncorrected", FAIL, "ecc_errors/volatile/sram_uncorrectable", "1", driver=525),
    smi("gpu.ecc_uncorrected", FAIL, "ecc_errors/volatile/double_bit/total", "1"),
    Broken("gpu.ecc_uncorrected", FAIL, later("smi2", **{"ecc_errors/volatile/dram_uncorrectable": "4"})),
    smi("gpu.ecc_aggregate", WARN, "ecc_errors/aggregate/dram_uncorrectable", "1"),
    smi("gpu.ecc_corrected", WARN, "ecc_errors/volatile/dram_correctable", "20000000"),
    smi("gpu.ecc_corrected_sram", WARN, "ecc_errors/volatile/sram_correctable", "10000"),
    smi("gpu.sram_threshold", FAIL, "ecc_errors/aggregate/sram_threshold_exceeded", "Yes"),
    smi("gpu.repair_pending", FAIL, "ecc_errors/channel_repair_pending", "Yes"),
    smi("gpu.repair_pending", FAIL, "ecc_errors/tpc_repair_pending", "Yes"),
    smi("gpu.repair_pending", FAIL, "ecc_errors/unrepairable_memory", "Yes"),
    smi("gpu.remap_pending", FAIL, "remapped_rows/remapped_row_pending", "Yes"),
    smi("gpu.remap_pending", FAIL, "retired_pages/pending_retirement", "Yes"),
    smi("gpu.remap_failure", FAIL, "remapped_rows/remapped_row_failure", "Yes"),
    smi("gpu.remapped_rows", WARN, "remapped_rows/remapped_row_unc", "1"),
    smi("gpu.remapped_rows", FAIL, "remapped_rows/remapped_row_unc", "512"),
    smi("gpu.recovery_action", FAIL, "gpu_recovery_action", "Drain P2P"),
    Broken("gpu.recovery_action", FAIL, later("smi3", gpu_recovery_action="Reboot")),
    smi("gpu.fabric", FAIL, "fabric/state", "In Progress"),
    smi("gpu.fabric", FAIL, "fabric/status", "Failure"),
    smi("gpu.fabric", WARN, "fabric/health/summary", "Limited Capacity"),
    several("nvlink", FAIL, lambda pod: pod.sections.update(nvlink=("0", 9, pods.nvlink(pod.cards, 18, gpu3=16)))),
    several("nvlink", FAIL, lambda pod: pod.sections.update(nvlink=("0", 9, pods.nvlink(pod.cards, 0)))),
    several("nvlink", WARN, lambda pod: pod.sections.update(nvlink=("0", 9, pods.nvlink(pod.cards, 16)))),
    xid("[863990.1] NVRM: Xid (PCI:0000:01:00): 79, pid=1, GPU has fallen off the bus.", FAIL),
    xid("[863990.1] NVRM: Xid (PCI:0000:01:00): 94, Contained memory error", WARN),
    xid("[863990.1] NVRM: Xid (PCI:0000:01:00): 999, from the future", WARN),
    xid("[863990.1] NVRM: Xid (PCI:0000:01:00): 145, RLW Fatal XC0", FAIL),
    xid("[863990.1] NVRM: Xid (PCI:0000:01:00): 145, RLW Nonfatal XC0", WARN),
    xid("[863990.1] NVRM: Xid (PCI:0000:01:00): 154, GPU recovery action changed to (Node Reboot Required)", FAIL),
    xid("NVRM: Xid (PCI:0000:01:00): 48, DBE", FAIL),
    xid("NVRM: GPU at 0000:01:00.0 has fallen off the bus", FAIL),
    xid("[100.1] NVRM: Xid (PCI:0000:01:00): 79, long ago", WARN),
    xid("[863990.1] NVRM: Xid (PCI:0000:c6:00): 79, somebody else's GPU", WARN),
]
STATE = [
    smi("gpu.throttle_hw", FAIL, f"{REASON}_hw_thermal_slowdown", "Active", says="heat"),
    smi("gpu.throttle_hw", FAIL, f"{REASON}_hw_power_brake_slowdown", "Active", says="power supply"),
    Broken("gpu.throttle_hw", WARN, Pod(cards=[Card(smi={f"{REASON}_hw_slowdown": "Active"})])),
    smi("gpu.throttle_thermal", WARN, f"{REASON}_sw_thermal_slowdown", "Active"),
    smi("gpu.throttle_history", WARN, f"{COUNTER}_hw_therm_slowdown", "60000000 us"),
    smi("gpu.power_limit", WARN, "gpu_power_readings/current_power_limit", "590.00 W"),
    smi("gpu.power_limit", FAIL, "gpu_power_readings/current_power_limit", "340.00 W"),
    smi("gpu.pcie_width", WARN, LANES, "8x"),
    smi("gpu.pcie_width", FAIL, LANES, "2x"),
    Broken("gpu.pcie_replay", WARN, later("smi2", **{"pci/replay_counter": "16"})),
    smi("gpu.mem_used", WARN, "fb_memory_usage/used", "700 MiB"),
    smi("gpu.mem_used", WARN, "fb_memory_usage/used", "4000 MiB"),
    smi("gpu.mem_used", FAIL, "fb_memory_usage/used", "4200 MiB"),
    Broken("gpu.mem_used", FAIL, Pod(cards=[Card(cuda={"busy": True, "mem_free_mib": 9000})], sections={"smi": None})),
    Broken(
        "gpu.util",
        WARN,
        Pod(level="passive", cards=[Card(used=300, smi={"utilization/gpu_util": "5 %"})]),
    ),
    smi("gpu.temperature", WARN, "temperature/gpu_temp", "85 C"),
    smi("gpu.temperature", WARN, "temperature/gpu_temp_tlimit", "2 C"),
]
