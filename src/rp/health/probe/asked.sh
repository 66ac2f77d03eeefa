# What was asked for: environment variables (names only), listening ports, the volume.

# That root may read the file's mode does not mean that it can be opened: containers may forbid it.
container=$( (tr '\n\000' '\001\n' <"$RP_ROOT/proc/1/environ" | sed 's/=.*//') 2>/dev/null)
written=$(sed -n 's/^export \([A-Za-z0-9_]*\)=.*/\1/p' "$RP_ROOT/etc/rp_environment" 2>/dev/null)

has_name() {
  eval "[ -n \"\${$1+set}\" ]" && return
  printf '%s\n' "$container" "$written" | grep -aqx "$1"
}

for name in $RP_ENV_NAMES; do
  case $name in *[!A-Za-z0-9_]* | [0-9]*) continue ;; esac
  if has_name "$name"; then
    echo "env_present=$name"
  elif [ -n "$container$written" ]; then
    echo "env_absent=$name"
  else
    echo "env_unknown=$name"
  fi
done

for port in $RP_PORTS; do
  hex=$(printf '%04X' "$port" 2>/dev/null) || continue
  answer=unknown
  for table in "$RP_ROOT/proc/net/tcp" "$RP_ROOT/proc/net/tcp6"; do
    [ -r "$table" ] || continue
    [ "$answer" = yes ] || answer=no
    # 0A: listening
    if grep -q "^ *[0-9]*: [0-9A-F]*:$hex [0-9A-F]*:[0-9A-F]* 0A " "$table"; then answer=yes; fi
  done
  echo "listen=$port $answer"
done

[ -n "$RP_MOUNT" ] || exit 0
# /proc/mounts writes a space as \040.
escaped=$(printf '%s' "${RP_MOUNT%/}" | sed 's/ /\\040/g')
state=absent
options=
while read -r source target type opts rest; do
  if [ "$target" = "$escaped" ]; then state=mounted; options=$opts; fi
done <"$RP_ROOT/proc/mounts" 2>/dev/null
if [ $state = absent ] && [ -d "$RP_MOUNT" ]; then state=not-a-mount; fi
echo "mount=$RP_MOUNT $state"
if [ $state != mounted ]; then
  echo "mount_write=skipped"
  exit 0
fi
echo "mount_options=$options"
file=${RP_MOUNT%/}/.rp-health.$$
echo "$file" >>"$RP_DIR/files"
# `touch` alone would pass on a disk that is full.
if said=$( (echo rp >"$file") 2>&1) && [ -s "$file" ]; then
  echo "mount_write=ok"
else
  said=${said##*"$file"}
  echo "mount_write=FAILED ${said#: }"
fi
rm -f "$file"
true
