# Pretended getent, nslookup, dig, host and ping: every name has an address.
. "$POD/net.sh"

name=${0##*/}
case $name:${1:-} in
  getent:hosts | getent:ahosts | getent:ahostsv4) target=${2:-} ;;
  getent:*) exec_real "$@" ;;
  *) for target in "$@"; do case $target in -* | +*) ;; *) break ;; esac; done ;;
esac
host_of "${target:-localhost}"
is_loopback "$host" && exec_real "$@"
rules "$host"
if [ "$DNS" != ok ]; then
  echo "$name: could not resolve host" >&2
  case $name in getent) exit 2 ;; *) exit 6 ;; esac
fi
case $name in
  getent) echo "198.51.100.7    $host" ;;
  nslookup) printf 'Server:\t\t127.0.0.11\nAddress:\t127.0.0.11#53\n\nName:\t%s\nAddress: 198.51.100.7\n' "$host" ;;
  dig) printf '%s.\t60\tIN\tA\t198.51.100.7\n' "$host" ;;
  host) echo "$host has address 198.51.100.7" ;;
  ping) printf '1 packets transmitted, 1 received, 0%% packet loss, time 0ms\nrtt min/avg/max/mdev = 8.1/8.1/8.1/0.0 ms\n' ;;
esac
