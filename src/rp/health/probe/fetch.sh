# Fetches and throws away. $1: address, $2: seconds at most, $3: number of the last byte wanted.

if command -v curl >/dev/null 2>&1; then
  form='via=curl code=%{http_code} ip=%{remote_ip} dns=%{time_namelookup} tcp=%{time_connect} tls=%{time_appconnect}'
  exec curl -q -gsSL -o /dev/null -r "0-$3" --connect-timeout 4 --max-time "$2" \
    -w "$form total=%{time_total} bytes=%{size_download} bps=%{speed_download}\n" --url "$1"
fi
for python in python3 python none; do
  command -v "$python" >/dev/null 2>&1 && "$python" -S -c 'import ssl, sys; sys.exit(sys.version_info < (3, 6))' 2>/dev/null && break
done
if [ "$python" != none ]; then
  cd "$RP_DIR" || exit 1
  program=$RP_PROGRAM
  unset RP_PROGRAM
  printf '%s\n' "$program" | "$python" -I -S - "$1" "$2" "$3"
  exit
fi
if ! command -v wget >/dev/null 2>&1; then
  host=${1#*://}
  echo "via=none"
  getent hosts "${host%%[/:?]*}" 2>/dev/null
  exit 127
fi
# wget has no limit of time: it is ended, and what came until then is counted.
now; began=$NOW
{
  wget -q -T 4 -O - "$1" 2>"$RP_DIR/$0.err" &
  echo $! >"$RP_DIR/$0.pid"
  wait $!
  echo $? >"$RP_DIR/$0.status"
} 2>/dev/null | head -c "$(($3 + 1))" | wc -c >"$RP_DIR/$0.bytes" &
while now; [ ! -s "$RP_DIR/$0.bytes" ] && [ $((NOW - began)) -lt $(($2 * 1000)) ]; do
  sleep 0.1 2>/dev/null || sleep 1
done
spent=$((NOW - began))
status=28
if [ -s "$RP_DIR/$0.status" ]; then read -r status <"$RP_DIR/$0.status"; fi
if [ ! -s "$RP_DIR/$0.bytes" ]; then
  read -r pid <"$RP_DIR/$0.pid" && kill "$pid" 2>/dev/null
  sleep 0.2 2>/dev/null || sleep 1
fi
read -r bytes <"$RP_DIR/$0.bytes" || bytes=0
# `head` that has enough ends wget with a broken pipe.
[ "$bytes" -le "$3" ] || status=0
[ "$spent" -gt 0 ] || spent=1
printf 'via=wget rc=%s total=%d.%03d bytes=%d bps=%d\n' "$status" $((spent / 1000)) $((spent % 1000)) "$bytes" \
  $((bytes * 1000 / spent))
head -n 3 "$RP_DIR/$0.err" 2>/dev/null
exit "$status"
