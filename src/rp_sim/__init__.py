"""A local RunPod: REST v2 on loopback, and pods that are real SSH servers."""
