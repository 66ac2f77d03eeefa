# Compares files that dd.sh only made to look long by their first megabyte.
FIRST=1048576
long=
for word in "$@"; do
  case $word in
    -?*) ;;
    /*) grep -qxF "$word" "$POD/long_files" 2>/dev/null && long=yes ;;
    *) grep -qxF "$PWD/$word" "$POD/long_files" 2>/dev/null && long=yes ;;
  esac
done
[ "$#:$1:$long" = 3:-s:yes ] || exec_real "$@"
start() { case $1 in -) head -c "$FIRST" ;; *) head -c "$FIRST" "$1" ;; esac; }
[ "$(start "$2" | cksum)" = "$(start "$3" | cksum)" ]
