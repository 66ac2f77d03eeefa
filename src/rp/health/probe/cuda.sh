# Runs the GPU program, given as RP_PROGRAM, with the first Python 3 that is there. $1: seconds, $2: whether the first
# look at the GPUs is still under way.

# Over SSH a program misses what the container was started with; this much decides which driver library it gets.
from_container() {
  eval "[ -z \"\${$1+set}\" ]" || return 0
  rp_v=$( (tr '\n\000' '\001\n' <"$RP_ROOT/proc/1/environ" | sed -n "s/^$1=//p") 2>/dev/null)
  [ -z "$rp_v" ] || eval "export $1=\$rp_v"
}

for python in python3 python none; do
  command -v "$python" >/dev/null 2>&1 || continue
  "$python" -S -c 'import sys; sys.exit(sys.version_info < (3, 7))' 2>/dev/null && break
done
if [ "$python" = none ]; then
  echo "no python3 of 3.7 or later"
  exit 127
fi
from_container LD_LIBRARY_PATH
from_container CUDA_VISIBLE_DEVICES
cd "$RP_DIR" || exit 1
program=$RP_PROGRAM
unset RP_PROGRAM
printf '%s\n' "$program" | "$python" -I -S - --budget-s "$1" --overlap "$2" --passes "${RP_PASSES:-1}" 2>cuda.err
status=$?
[ -s "$0" ] || tail -n 5 cuda.err
exit $status
