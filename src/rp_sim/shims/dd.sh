# A pretended dd for megabytes and more: the first of them is written, the file only looks that long, and the speed is
# the scenario's. The rest is the real one's. cmp.sh knows of such files.
from= to= unit=512 count=
for word in "$@"; do
  case $word in
    if=*) from=${word#if=} ;;
    of=*) to=${word#of=} ;;
    bs=* | obs=*) unit=${word#*bs=} ;;
    ibs=*) ;;
    count=*) count=${word#count=} ;;
    skip=* | seek=* | cbs=* | conv=*notrunc*) exec_real "$@" ;;
  esac
done
case $unit in
  *[!0-9kKMG]* | '') exec_real "$@" ;;
  *k | *K) unit=$((${unit%?} * 1024)) ;;
  *M) unit=$((${unit%?} * 1048576)) ;;
  *G) unit=$((${unit%?} * 1073741824)) ;;
esac
case $count in *[!0-9]*) exec_real "$@" ;; esac
case $to in '') exec_real "$@" ;; /dev/null) ;; *) [ ! -e "$to" ] || [ -f "$to" ] || exec_real "$@" ;; esac
FIRST=1048576

bytes=
case $from in
  '') [ -z "$count" ] && [ "$to" != /dev/null ] && [ "$unit" -ge 65536 ] && bytes=unknown ;;
  /dev/urandom | /dev/random | /dev/zero) [ -n "$count" ] && bytes=$((unit * count)) ;;
  *) [ -f "$from" ] && bytes=$(wc -c <"$from" | tr -d ' ') ;;
esac
case $bytes in
  '') exec_real "$@" ;;
  unknown) ;;
  *)
    if [ -n "$count" ] && [ $((unit * count)) -lt "$bytes" ]; then bytes=$((unit * count)); fi
    [ "$bytes" -ge 4194304 ] || exec_real "$@" ;;
esac

fail() {
  echo "dd: error writing '$to': $1" >&2
  printf '1+0 records in\n0+0 records out\n' >&2
  exit 1
}

place=$to
[ "$to" != /dev/null ] || place=$from
speed=$ROOT_MBPS
case $place in
  "$VOLUME"/*)
    speed=$VOLUME_MBPS
    [ "$to" = /dev/null ] || [ -z "$VOLUME_READ_ONLY" ] || fail "Read-only file system" ;;
esac

lengthen() {
  printf x | "$REAL" of="$to" bs=1 seek=$((bytes - 1)) conv=notrunc 2>/dev/null || fail "No space left on device"
}

if [ "$to" != /dev/null ]; then
  case $from in
    '')
      head -c "$FIRST" >"$to" || fail "Input/output error"
      bytes=$(($(wc -c <"$to") + $(wc -c))) ;;
    *) head -c "$FIRST" "$from" >"$to" || fail "Input/output error" ;;
  esac
  lengthen
  case $to in /*) echo "$to" ;; *) echo "$PWD/$to" ;; esac >>"$POD/long_files"
  case $from in /dev/zero | /dev/*random) ;; *) [ -z "$CORRUPT" ] || printf x | "$REAL" of="$to" bs=1 seek=4096 conv=notrunc 2>/dev/null ;; esac
fi
us=$((bytes * 1000 / speed + 1))
records=$(((bytes + unit - 1) / unit))
echo "$records+0 records in" >&2
echo "$records+0 records out" >&2
shown="$((speed / 1000000)).$((speed % 1000000 / 100000)) GB/s"
[ "$speed" -ge 1000000 ] || shown="$((speed / 1000)).$((speed % 1000 / 100)) MB/s"
time=$(printf '%d.%06d' $((us / 1000000)) $((us % 1000000)))
if [ "$FORM" = busybox ]; then
  tenths=$((speed * 10000 / 1048576))
  echo "$bytes bytes ($((bytes / 1048576)).0MB) copied, $time seconds, $((tenths / 10)).$((tenths % 10))MB/s" >&2
else
  echo "$bytes bytes ($((bytes / 1000000)) MB, $((bytes / 1048576)) MiB) copied, $time s, $shown" >&2
fi
