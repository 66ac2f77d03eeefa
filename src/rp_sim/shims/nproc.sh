# The processors of the host, as in every container with a quota.
echo "$THREADS"
