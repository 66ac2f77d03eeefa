"""RunPod's clouds: machines in partners' data centers, and machines of hosts in the community."""

SECURE = "SECURE"
COMMUNITY = "COMMUNITY"
ALL = "ALL"
