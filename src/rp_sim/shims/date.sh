# The clock of this machine is wrong.
for word in "$@"; do
  case $word in -d | --date* | -d?* | -r | --reference* | -s | --set*) exec_real "$@" ;; esac
done
now=$("$REAL" +%s.%N)
part=${now#*.}
case $part in
  *[!0-9]* | '') exec "$REAL" -r "$((${now%.*} + SKEW))" "$@" ;;
  *) exec "$REAL" -d "@$((${now%.*} + SKEW)).$part" "$@" ;;
esac
