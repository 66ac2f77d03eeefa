# Writes, reads back and compares: the container's disk, and the volume where it is mounted.

source=$RP_DIR/block
room=$(df -Pk "$RP_DIR" 2>/dev/null | sed -n 's/.* \([0-9][0-9]*\)  *[0-9]*% .*/\1/p' | tail -n 1)
size=64
[ "$RP_DISK_MIB" -ge 64 ] || size=$RP_DISK_MIB
# A small /dev/shm is a fault of its own, and not of the disk.
if [ "${room:-0}" -lt $((size * 2048)) ]; then size=8; fi
dd if=/dev/urandom of="$source" bs=1M count=$size 2>/dev/null || { echo "src_fail=1"; exit 1; }
if [ "$RP_DISK_MIB" -gt $size ] && [ "${room:-0}" -gt $((RP_DISK_MIB * 3072)) ]; then
  mv "$source" "$source.1"
  while [ $size -le "$RP_DISK_MIB" ]; do
    cat "$source.1" >>"$source" || break
    size=$((size + 64))
  done
  rm -f "$source.1"
fi

put() { # FILE COUNT
  dd if="$source" of="$1" bs=1M $2 conv=fdatasync 2>&1 && return
  dd if="$source" of="$1" bs=1M $2 conv=fsync 2>&1
}

same() { # FILE
  if command -v cmp >/dev/null 2>&1; then
    cmp -s "$source" "$1"
  else
    [ "$(cksum <"$source")" = "$(cksum <"$1")" ]
  fi
}

one() { # LABEL FOLDER
  file=${2%/}/.rp-health-disk.$$
  echo "$file" >>"$RP_DIR/files"
  # A disk that takes long for 8 MiB is not asked for more: the answer would come too late.
  now; began=$NOW
  said=$(put "$file" count=8) || { failed "$1" "$said"; return; }
  now
  if [ $((NOW - began)) -lt 700 ]; then
    said=$(put "$file" "") || { failed "$1" "$said"; return; }
  else
    slow=yes
  fi
  echo "$1_write: $(echo "$said" | tail -n 1)"
  said=$(dd if="$file" of=/dev/null bs=1M iflag=direct 2>&1) || said="unknown (no direct read)"
  echo "$1_read: $(echo "$said" | tail -n 1)"
  if [ -n "$slow" ]; then
    head -c 8388608 "$source" >"$source.8" && mv "$source.8" "$source"
  fi
  if same "$file"; then echo "$1_cmp=same"; else echo "$1_cmp=DIFFERENT"; fi
  rm -f "$file"
  [ "$RP_DISK_MIB" -lt 1024 ] || [ -n "$slow" ] || small_files "$1" "$2"
}

failed() { # LABEL WHAT-DD-SAID
  echo "$1_write: FAILED $(echo "$2" | grep 'dd:' | tail -n 1 | sed 's/.*: //')"
  rm -f "$file"
}

small_files() { # LABEL FOLDER
  folder=${2%/}/.rp-health-files.$$
  mkdir "$folder" || return
  echo "$folder" >>"$RP_DIR/files"
  now; began=$NOW
  i=0
  while [ $i -lt 200 ]; do
    i=$((i + 1))
    echo $i >"$folder/$i"
  done
  sync "$folder"/* 2>/dev/null
  cat "$folder"/* >/dev/null
  rm -rf "$folder"
  now
  if [ "$1" = root ]; then echo "files_ms=$((NOW - began))"; else echo "$1_files_ms=$((NOW - began))"; fi
}

is_on_root() { [ "$(stat -c %d "$1" 2>/dev/null)" = "$(stat -c %d / 2>/dev/null)" ]; }

slow=
place=${HOME:-/root}
for folder in "$place" /root /var/tmp /tmp; do
  if [ -d "$folder" ] && [ -w "$folder" ] && is_on_root "$folder"; then place=$folder; break; fi
done
one root "$place"
[ -n "$RP_MOUNT" ] || exit 0
escaped=$(printf '%s' "${RP_MOUNT%/}" | sed 's/ /\\040/g')
if grep -aqF " $escaped " "$RP_ROOT/proc/mounts" 2>/dev/null; then one mount "$RP_MOUNT"; else echo "mount=not a mount"; fi
true
