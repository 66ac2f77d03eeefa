"""rp: GPU pods on RunPod that work, and never one too many."""

__version__ = "0.1.0"
