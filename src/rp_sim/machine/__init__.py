"""Containers: a folder, an sshd on a loopback port, and the processes that run in them."""
