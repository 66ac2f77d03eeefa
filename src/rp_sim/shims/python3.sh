# The real Python, unless the program wants a GPU or the network: see python3.py.
mine() { exec "$PYTHON" -I -S "$RUNNER" "$POD/hardware.json" "$REAL" "$0" "$@"; }

for word in "$@"; do
  case $word in
    *libcuda* | *urlopen* | *http.client* | *getaddrinfo* | *create_connection* | *torch*) mine "$@" ;;
  esac
done
[ $# -gt 0 ] || [ -t 0 ] || mine
for word in "$@"; do
  case $word in
    -) mine "$@" ;;
    -*[cm]*) break ;;
    -*) ;;
    *)
      if [ -f "$word" ] && grep -qE 'libcuda|urlopen|http\.client|getaddrinfo|create_connection|torch' "$word"; then
        mine "$@"
      fi
      break ;;
  esac
done
exec "$REAL" "$@"
