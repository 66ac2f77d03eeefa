# Nothing can be written.
for last in "$@"; do :; done
echo "${0##*/}: cannot write '${last:-}': Read-only file system" >&2
exit 1
