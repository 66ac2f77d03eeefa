# The health check's runner on the pod. script.py puts the variables RP_* and the parts' programs before it.
#
# Every part runs in a session of its own, side by side with the others, and writes into a file. This shell looks at
# the files and passes each part on as soon as it is over: "@@ NAME STATUS MS", then the part's lines, one space before
# each. It never waits for a process: what hangs inside a driver cannot be killed, and would take this shell with it.

set -u
LC_ALL=C; LANG=C; export LC_ALL LANG
unset ENV BASH_ENV CDPATH
umask 077
# Only for tests and simulators: a folder in which /proc, /sys, /etc and the system's programs are looked for instead.
RP_ROOT=${RP_ROOT:-}
for rp_d in /usr/local/sbin /usr/local/bin /usr/sbin /usr/bin /sbin /bin /usr/local/nvidia/bin /usr/local/cuda/bin \
  /opt/conda/bin /opt/rocm/bin; do
  PATH=${PATH:+$PATH:}$RP_ROOT$rp_d
done
export PATH RP_ROOT RP_LEVEL RP_LIMIT RP_DISK_MIB RP_MOUNT RP_ENV_NAMES RP_PORTS RP_SPEED_URL

D=
RUNNING=
LATER=
SIDS=

wanted() { case " $RP_PARTS " in *" $1 "*) return 0 ;; esac; return 1; }

# The end of a part, seen from another: it is over, or nobody asked for it.
over() { wanted "$1" || return 0; eval "[ -n \"\${rc_$1:-}\" ]"; }

went_well() { eval "[ \"\${rc_$1:-}\" = 0 ]"; }

# How the programs of the parts are started: by the shell that runs this, in a session of their own.
find_shell() {
  RP_SH=$(readlink "/proc/$$/exe" 2>/dev/null) || RP_SH=
  case ${RP_SH##*/} in busybox*) RP_SH="$RP_SH sh" ;; esac
  $RP_SH -c : 2>/dev/null || RP_SH=sh
  SETSID=
  if command -v setsid >/dev/null 2>&1; then SETSID=setsid; fi
}

# A folder for what the parts print, on whatever is writable and has room.
find_room() {
  for rp_d in ${RP_TMP:-/dev/shm /tmp /run /var/tmp "${HOME:-/root}" "$RP_MOUNT"}; do
    [ -d "$rp_d" ] || continue
    D=$rp_d/.rp-health.$$.$NOW
    mkdir "$D" 2>/dev/null || continue
    if head -c 1048576 /dev/zero 2>/dev/null >"$D/room"; then rm -f "$D/room"; return 0; fi
    rm -rf "$D"
  done
  D=
  return 1
}

# All processes that come from a part: of its session, or below it. Only /proc/PID/stat is read: the other files
# there can hang with a process that hangs.
offspring() {
  rp_all=
  for rp_f in /proc/[0-9]*/stat; do
    read -r rp_line <"$rp_f" || continue
    rp_pid=${rp_f#/proc/}
    # Fields behind the name, which may hold anything: state, parent, group, session.
    rp_line=${rp_line##*) }
    rp_rest=${rp_line#* }; rp_parent=${rp_rest%% *}
    rp_rest=${rp_rest#* }; rp_rest=${rp_rest#* }
    rp_all="$rp_all ${rp_pid%/stat}:$rp_parent:${rp_rest%% *}"
  done
  rp_more=yes
  OURS=" $* "
  while [ -n "$rp_more" ]; do
    rp_more=
    for rp_one in $rp_all; do
      rp_pid=${rp_one%%:*}; rp_rest=${rp_one#*:}
      case $OURS in *" $rp_pid "*) continue ;; esac
      case $OURS in *" ${rp_rest%:*} "* | *" ${rp_rest#*:} "*) OURS="$OURS$rp_pid "; rp_more=yes ;; esac
    done
  done
} 2>/dev/null

# Ends all that is left of the parts with the given process ids.
put_down() {
  [ $# -gt 0 ] || return 0
  offspring "$@"
  for rp_pid in $OURS; do
    # A part that is over has no process with its number any more, and somebody else may have got it.
    case " $GONE " in *" $rp_pid "*) continue ;; esac
    kill -9 "$rp_pid"
  done
} >/dev/null 2>&1

leave() {
  trap '' HUP INT TERM PIPE
  [ -n "$D" ] || return 0
  put_down $SIDS
  # Once more: what one of them had started while the list was made.
  [ -z "$RUNNING" ] || put_down $SIDS
  # Files outside of the folder are on disks that may hang.
  (
    while read -r rp_f; do rm -rf "$rp_f"; done <"$D/files"
    rm -rf "$D"
  ) </dev/null >/dev/null 2>&1 &
  for rp_d in 1 2 3 4 5 6 7 8 9 10; do
    [ -d "$D" ] || break
    sleep "$WINK"
  done
}

start() { # NAME SECONDS [ARGUMENT...]
  rp_name=$1
  case $1 in
    net_* | dl_*) rp_code=$RP_PART_fetch ;;
    smi*) rp_code=$RP_PART_smi ;;
    *) eval "rp_code=\$RP_PART_$1" ;;
  esac
  now
  eval "began_$1=$NOW until_$1=$((NOW + $2 * 1000))"
  shift 2
  $SETSID $RP_SH -c "$RP_PART_common$RP_PART_runner" "$rp_name" "$D" "$rp_code" "$@" </dev/null >/dev/null 2>&1 &
  eval "pid_$rp_name=$!"
  SIDS="$SIDS $!"
  RUNNING="$RUNNING $rp_name"
}

# Passes on what a part printed. JSON of many GPUs is long, other lines are not.
finish() { # NAME STATUS MS
  eval "rc_$1=\$2 ms_$1=\$3"
  rp_left=
  for rp_n in $RUNNING; do [ "$rp_n" = "$1" ] || rp_left="$rp_left $rp_n"; done
  RUNNING=$rp_left
  echo "@@ $1 $2 $3" || exit 141
  rp_width=4001
  case $1 in cuda | torch) rp_width=32001 ;; esac
  [ -f "$D/$1" ] && head -c 262144 "$D/$1" 2>/dev/null | sed 's/^/ /' | cut -c "-$rp_width"
  return 0
}

look() { # NAME
  eval "rp_pid=\$pid_$1 rp_end=\$until_$1 rp_began=\$began_$1"
  # The full stop: the line is complete.
  if [ -s "$D/$1.rc" ] && read -r rp_rc rp_ms rp_stop <"$D/$1.rc" && [ "$rp_stop" = . ]; then
    GONE="$GONE $rp_pid"
    finish "$1" "$rp_rc" "$rp_ms"
  elif [ "$NOW" -ge "$rp_end" ] || [ "$NOW" -ge "$STOP" ]; then
    finish "$1" timeout "$((NOW - rp_began))"
    put_down "$rp_pid"
  fi
}

# Whether a part may start now: 0 yes, 1 not yet, 2 never.
due() {
  case $1 in
    nvlink)
      over smi || return 1
      went_well smi && [ "$(grep -c '<gpu id=' "$D/smi")" -gt 1 ] || return 2 ;;
    # The first look at the GPUs must not see what the CUDA part does to them.
    cuda) over smi || [ "$NOW" -ge $((T0 + RP_LIMIT * 250)) ] || return 1 ;;
    smi2)
      over smi && over cuda || return 1
      went_well smi && wanted cuda && [ "$ms_smi" -lt 1500 ] || return 2
      # No load, nothing new to see; or a driver that hangs.
      case $rc_cuda in 127 | timeout) return 2 ;; esac ;;
    torch)
      over cuda && over smi2 || return 1
      [ "${rc_cuda:-}" != timeout ] || return 2 ;;
    dcgm) over cuda && over smi2 && over torch || return 1 ;;
    smi3)
      [ -z "$RUNNING" ] && [ "$LATER" = " smi3" ] || return 1
      went_well smi || return 2
      : "${dwell:=$((NOW + 60000))}"
      [ "$NOW" -ge "$dwell" ] || return 1 ;;
    net_index) [ -n "$INDEX" ] || return 2 ;;
    dl_own) [ -n "$RP_SPEED_URL" ] || return 2 ;;
    dl_1) over dl_own || [ -z "$RP_SPEED_URL" ] || return 1 ;;
    dl_2)
      over dl_1 || return 1
      if wanted dl_1; then is_slow || return 2; fi ;;
  esac
  return 0
}

# Below 100 Mbit/s, or nothing at all, from the first source.
is_slow() {
  went_well dl_1 || [ "$rc_dl_1" = 28 ] || return 0
  rp_bps=$(sed -n 's/.* bps=\([0-9]*\).*/\1/p' "$D/dl_1" | tail -n 1)
  [ "${rp_bps:-0}" -lt 12500000 ]
}

# Seconds that are left for a part.
rest() { echo $(((STOP - NOW) / 1000)); }

begin() {
  RP_PROGRAM=
  case $1 in
    sys | asked | dev | space) start "$1" 6 ;;
    kmsg) start kmsg 4 ;;
    cuda | torch) start_program "$1" ;;
    net_hub | net_code | net_index) start_fetch "$1" 5 ;;
    dl_1 | dl_2 | dl_own) start_fetch "$1" "$((DOWNLOAD_SECONDS + 2))" ;;
    smi2) start smi2 4 ;;
    *) start "$1" "$((RP_LIMIT + 1))" ;;
  esac
}

start_program() {
  eval "RP_PROGRAM=\$RP_PROGRAM_$1"
  # Some time to print what was found, and for a last look at the GPUs.
  rp_budget=$(((STOP - NOW) / 1000 - 1))
  [ "$1" = torch ] || [ "$rp_budget" -le 38 ] || rp_budget=38
  rp_overlap=0; over smi || rp_overlap=1
  export RP_PROGRAM RP_PTX RP_PASSES
  start "$1" "$((rp_budget + 1))" "$rp_budget" "$rp_overlap"
  unset RP_PROGRAM RP_PTX
}

start_fetch() { # NAME SECONDS
  rp_most=65535
  case $1 in
    net_hub) rp_url=https://huggingface.co/robots.txt ;;
    net_code) rp_url=https://github.com/robots.txt ;;
    net_index) rp_url=$INDEX ;;
    dl_own) rp_url=$RP_SPEED_URL rp_most=$DOWNLOAD_LAST ;;
    dl_1) rp_url=https://speed.cloudflare.com/__down?bytes=100000000 rp_most=$DOWNLOAD_LAST ;;
    dl_2) rp_url=https://huggingface.co/openai-community/gpt2/resolve/main/model.safetensors rp_most=$DOWNLOAD_LAST ;;
  esac
  rp_secs=$(($2 - 1))
  case $1 in dl_*) rp_secs=$DOWNLOAD_SECONDS ;; esac
  RP_PROGRAM=$RP_PROGRAM_fetch
  export RP_PROGRAM
  start "$1" "$2" "$rp_url" "$rp_secs" "$rp_most"
  unset RP_PROGRAM
}

# The package index that this pod is told to use, without what may stand in its address: a password.
find_index() {
  INDEX=${UV_DEFAULT_INDEX:-${UV_INDEX_URL:-${PIP_INDEX_URL:-}}}
  [ -n "$INDEX" ] || INDEX=$(sed -n 's/^[[:space:]]*index-url[[:space:]]*=[[:space:]]*//p' "$RP_ROOT/etc/pip.conf" \
    "${HOME:-/root}/.config/pip/pip.conf" "${HOME:-/root}/.pip/pip.conf" 2>/dev/null | head -n 1)
  case $INDEX in [!/:]*=http*) INDEX=${INDEX#*=} ;; esac
  case $INDEX in
    http://?* | https://?*)
      rp_rest=${INDEX#*://}; rp_rest=${rp_rest%%[/?#]*}
      INDEX=${INDEX%%://*}://${rp_rest##*@}/ ;;
    *) INDEX= ;;
  esac
}

prepare() {
  # bash tells of each process that was killed.
  exec 2>/dev/null
  now
  T0=$NOW
  STOP=$((T0 + RP_LIMIT * 1000 - 500))
  DOWNLOAD_SECONDS=3 DOWNLOAD_LAST=99999999
  case $RP_LEVEL in standard | deep) DOWNLOAD_SECONDS=8 DOWNLOAD_LAST=399999999 ;; esac
  [ -z "$RP_SPEED_URL" ] || [ "$RP_LIMIT" -gt 10 ] || DOWNLOAD_SECONDS=2
  GONE= INDEX=
  NAP=0.05 WINK=0.01
  sleep 0.01 || NAP=1 WINK=1
  find_shell
  # A line of its own, whatever the login printed before.
  echo
  if ! find_room; then
    echo "@@ fatal 1 0"
    echo " no folder can be written to: /dev/shm, /tmp, /run, /var/tmp, the home folder"
    exit 1
  fi
  trap leave EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 141' PIPE
  trap 'exit 143' TERM
  wanted net_index && find_index
  now
  echo "@@ probe 0 $((NOW - T0))"
  printf ' %s\n' v=1 "level=$RP_LEVEL" "limit=$RP_LIMIT" "sh=$RP_SH" "tmp=$D"
}

main() {
  prepare
  LATER=" $RP_PARTS"
  beat=$((NOW + 2000))
  while [ -n "$RUNNING$LATER" ]; do
    now
    for rp_part in $LATER; do
      due "$rp_part"
      case $? in 1) continue ;; 0) begin "$rp_part" ;; 2) never "$rp_part" ;; esac
      rp_left=
      for rp_n in $LATER; do [ "$rp_n" = "$rp_part" ] || rp_left="$rp_left $rp_n"; done
      LATER=$rp_left
    done
    now
    for rp_part in $RUNNING; do look "$rp_part"; done
    [ "$NOW" -lt "$STOP" ] || break
    [ -n "$RUNNING$LATER" ] || break
    # A write that fails tells that nobody listens any more.
    if [ "$NOW" -ge "$beat" ]; then
      echo "@@ alive 0 $((NOW - T0))" || exit 141
      beat=$((NOW + 2000))
    fi
    sleep "$NAP"
  done
  now
  echo "@@ end 0 $((NOW - T0))"
}


never() { RP_PARTS=$(printf ' %s ' $RP_PARTS | sed "s/ $1 / /"); }

eval "$RP_PART_common"
main
exit 0
