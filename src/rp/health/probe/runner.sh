# Around a part: $0 its name, $1 the folder for results, $2 its code, then its arguments.
now; rp_began=$NOW
RP_DIR=$1; rp_code=$2
export RP_DIR
shift 2
rp_fence=4096
# No part prints megabytes, unless something is wrong; the disk's part has to write that much.
case $0 in disk) rp_fence= ;; esac
(
  [ -z "$rp_fence" ] || ulimit -f "$rp_fence"
  eval "$rp_code"
) >"$RP_DIR/$0" 2>&1
rp_rc=$?
now
echo "$rp_rc $((NOW - rp_began)) ." >"$RP_DIR/$0.rc"
