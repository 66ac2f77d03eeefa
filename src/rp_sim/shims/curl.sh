# A pretended curl: every host but loopback answers at once. What -w asks for is computed from the scenario's speeds.
. "$POD/net.sh"

url= format= output= most= range= head= want=
for word in "$@"; do
  if [ -n "$want" ]; then eval "$want=\$word" want=; continue; fi
  case $word in
    -w | --write-out) want=format ;;
    -o | --output) want=output ;;
    -m | --max-time) want=most ;;
    -r | --range) want=range ;;
    -I | --head) head=yes ;;
    -O | --remote-name) output=page ;;
    -V | --version) echo "curl 8.5.0 (x86_64-pc-linux-gnu)"; exit 0 ;;
    --url) want=url ;;
    --*=*) ;;
    --connect-timeout | --retry | --retry-delay | --retry-max-time | --speed-limit | --speed-time | --user-agent | \
      --header | --request | --data | --data-* | --proxy | --resolve | --limit-rate | --cacert | --user | --referer | \
      --cookie | --form | --config | --dump-header | --max-redirs | --interface | --max-filesize | --proto | \
      --proto-redir | --tls-max | --ciphers | --stderr) want=_ ;;
    --*) ;;
    -*o) want=output ;;
    -*w) want=format ;;
    -*m) want=most ;;
    -*r) want=range ;;
    -*[HAdTXeubcxFKDEYyCtQ]) want=_ ;;
    -?*) ;;
    *) url=$word ;;
  esac
done
[ -n "$url" ] || { echo "curl: no URL specified" >&2; exit 2; }
host_of "$url"
is_loopback "$host" && exec_real "$@"
most=${most%%.*}

fail() { # STATUS TEXT
  code=000 bytes=0 bps=0 ms=0
  [ -z "$format" ] || say
  echo "curl: ($1) $2" >&2
  exit "$1"
}

seconds() { printf '%d.%06d' "$(($1 / 1000))" "$(($1 % 1000 * 1000))"; }

say() {
  connect=$((dns_ms + 11)) tls=$((dns_ms + 31)) begin=$((dns_ms + 55))
  [ "$code" != 000 ] || { connect=0 tls=0 begin=0; }
  printf "$(printf '%s' "$format" | sed -e 's/%%/%%%%/g' -e "s/%{speed_download}/$bps/g" \
    -e "s/%{http_code}/$code/g" -e "s/%{response_code}/$code/g" -e "s/%{size_download}/$bytes/g" \
    -e "s/%{remote_ip}/$address/g" -e "s/%{time_namelookup}/$(seconds "$dns_ms")/g" \
    -e "s/%{time_connect}/$(seconds $connect)/g" -e "s/%{time_appconnect}/$(seconds $tls)/g" \
    -e "s/%{time_pretransfer}/$(seconds $tls)/g" -e "s/%{time_starttransfer}/$(seconds $begin)/g" \
    -e "s/%{time_total}/$(seconds "$ms")/g" -e 's/%{time_redirect}/0.000000/g' -e 's/%{num_redirects}/0/g' \
    -e 's/%{exitcode}/0/g' -e 's/%{ssl_verify_result}/0/g' -e "s,%{url_effective},$url,g" \
    -e 's,%{content_type},text/plain,g' -e 's/%{[a-z_]*}//g')"
}

address=198.51.100.7
rules "$host"
[ "$DNS" = ok ] || fail 6 "Could not resolve host: $host"
[ -z "$blocked" ] || { sleep "$blocked"; fail 7 "Failed to connect to $host port 443: Connection refused"; }

size_of "$url"
code=200
case $range in
  [0-9]*-[0-9]*)
    part=$((${range#*-} - ${range%-*} + 1))
    [ "$part" -ge "$size" ] || size=$part code=206 ;;
esac
[ -z "$head" ] || size=0
bps=$((kbps * 125)) bytes=$size
ms=$((dns_ms + 55 + size * 1000 / bps))
status=0
if [ "${most:-0}" -gt 0 ] && [ "$ms" -gt $((most * 1000)) ]; then
  ms=$((most * 1000)) status=28
  bytes=$(((ms - dns_ms - 55) * bps / 1000))
  [ "$bytes" -ge 0 ] || bytes=0
fi
case $output in
  /dev/null) ;;
  '' | -) [ -n "$head" ] && echo "HTTP/2 200" || echo simulated ;;
  *) echo simulated >"$output" || exit 23 ;;
esac
[ -z "$format" ] || say
[ $status = 0 ] || echo "curl: (28) Operation timed out after $ms milliseconds with $bytes out of $size bytes received" >&2
exit $status
