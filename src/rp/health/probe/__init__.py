"""What runs on the pod. Nothing here is imported by rp: script.py reads these files and sends them."""
