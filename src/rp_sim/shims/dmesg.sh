# The kernel's messages, which containers may not read, unless the scenario opens them.
if [ ! -f "$POD/dmesg" ]; then
  echo "dmesg: read kernel buffer failed: Operation not permitted" >&2
  exit 1
fi
cat "$POD/dmesg"
