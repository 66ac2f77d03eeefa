# A pretended df: the disks of the container, from a table. A pod is a folder, so its places are told by their start.
header='Filesystem     1024-blocks      Used Available Capacity Mounted on'
inodes= human=
for word in "$@"; do
  case $word in
    --*) exec_real "$@" ;;
    -*) case $word in *i*) inodes=yes; header='Filesystem       Inodes     IUsed     IFree IUse% Mounted on' ;; esac
      case $word in *h* | *H*) human=yes; header='Filesystem      Size  Used Avail Use% Mounted on' ;; esac ;;
  esac
done

size() { # KIB
  if [ -z "$human" ]; then echo "$1"
  elif [ "$1" -ge 1073741824 ]; then echo "$(($1 / 1073741824)).$(($1 % 1073741824 / 107374183))T"
  elif [ "$1" -ge 1048576 ]; then echo "$(($1 / 1048576))G"
  else echo "$(($1 / 1024))M"; fi
}

show() { # PLACE SOURCE KIND KIB USED INODES USED
  all=$4 used=$5
  [ -z "$inodes" ] || { all=$6 used=$7; }
  percent=0
  [ "$all" -eq 0 ] || percent=$(((used * 100 + all - 1) / all))
  if [ -n "$inodes" ]; then printf '%-14s %8s %9s %9s %5s %s\n' "$2" "$all" "$used" "$((all - used))" "$percent%" "$1"
  else printf '%-14s %11s %9s %9s %7s%% %s\n' "$2" "$(size "$all")" "$(size "$used")" "$(size $((all - used)))" "$percent" "$1"; fi
}

of_path() { # the disk whose place is the longest start of the path
  best=
  while IFS='|' read -r place rest; do
    case $1 in "$place" | "$place"/*) [ ${#place} -lt ${#best} ] || best=$place line="$place|$rest" ;; esac
  done <"$POD/df"
  [ -n "$best" ] || read -r line <"$POD/df"
  IFS='|' read -r a b c d e f g <<EOF
$line
EOF
  show "$a" "$b" "$c" "$d" "$e" "$f" "$g"
}

asked= status=0
echo "$header"
for word in "$@"; do
  case $word in -*) continue ;; esac
  asked=yes
  if [ -e "$word" ]; then of_path "$word"
  else echo "df: $word: No such file or directory" >&2; status=1; fi
done
[ -n "$asked" ] || while IFS='|' read -r a b c d e f g; do show "$a" "$b" "$c" "$d" "$e" "$f" "$g"; done <"$POD/df"
exit $status
