# Room and inodes of the disks. `df` of a network volume may hang, and must not take the others with it.

mount=
if [ -n "$RP_MOUNT" ] && [ -d "$RP_MOUNT" ]; then mount=$RP_MOUNT; fi

ask() { # FLAGS FOLDER...: the local ones; the volume's answer is fetched into a file meanwhile.
  flags=$1
  shift
  [ -z "$mount" ] || (df "$flags" "$mount" 2>/dev/null | sed 1d >"$RP_DIR/space$flags"; echo >"$RP_DIR/space$flags.done") &
  df "$flags" "$@" 2>/dev/null
  [ -n "$mount" ] || return 0
  tries=0
  while [ ! -e "$RP_DIR/space$flags.done" ] && [ $tries -lt 20 ]; do
    tries=$((tries + 1))
    sleep 0.1 2>/dev/null || sleep 1
  done
  cat "$RP_DIR/space$flags" 2>/dev/null
}

ask -Pk / /dev/shm /tmp
echo
ask -Pi / /dev/shm /tmp
echo
exec 2>/dev/null
grep -aE " (/|/dev/shm|/tmp|/workspace) " "$RP_ROOT/proc/mounts"
case $mount in
  '' | / | /dev/shm | /tmp | /workspace) ;;
  *) grep -aF " $(printf '%s' "${mount%/}" | sed 's/ /\\040/g') " "$RP_ROOT/proc/mounts" ;;
esac
true
