# A pretended wget. Nobody asks it for figures, so what it sends takes its time for real.
. "$POD/net.sh"

url= output= quiet= spider= want=
for word in "$@"; do
  if [ -n "$want" ]; then eval "$want=\$word" want=; continue; fi
  case $word in
    -O | --output-document) want=output ;;
    --output-document=*) output=${word#*=} ;;
    -q | --quiet) quiet=yes ;;
    --spider) spider=yes ;;
    -T | -t | -o | -U | -P | -a | -e | -w) want=_ ;;
    -qO | -nvO) quiet=yes want=output ;;
    -qO*) output=${word#-qO} quiet=yes ;;
    -O*) output=${word#-O} ;;
    -V | --version) echo "GNU Wget 1.21.4 built on linux-gnu."; exit 0 ;;
    -?*) ;;
    *) url=$word ;;
  esac
done
[ -n "$url" ] || { echo "wget: missing URL" >&2; exit 1; }
host_of "$url"
is_loopback "$host" && exec_real "$@"
rules "$host"
[ "$DNS" = ok ] || { echo "wget: unable to resolve host address '$host'" >&2; exit 4; }
[ -z "$blocked" ] || { sleep "$blocked"; echo "wget: can't connect to remote host: Connection refused" >&2; exit 4; }
[ -z "$spider" ] || exit 0

send() {
  size_of "$url"
  [ "$size" -ge 1000000 ] || { echo simulated; return; }
  tenth=$((kbps * 125 / 10)) left=$size
  # At such a speed a client's bound is what ends it.
  [ "$tenth" -lt 20000000 ] || { head -c "$size" /dev/zero; return; }
  while [ "$left" -gt 0 ]; do
    head -c "$tenth" /dev/zero || return
    left=$((left - tenth))
    sleep 0.1
  done
}
case ${output:-${url##*/}} in
  -) send ;;
  *) send >"${output:-${url##*/}}" ;;
esac
[ -n "$quiet" ] || echo "'${output:-${url##*/}}' saved" >&2
