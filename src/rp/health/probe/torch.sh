# Runs the torch program, given as RP_PROGRAM, with the first Python that has torch. $1: seconds.

program=$RP_PROGRAM
unset RP_PROGRAM
cd "$RP_DIR" || exit 1
seconds=2
[ "$RP_LEVEL" != deep ] || seconds=300
status=127
for python in python3 python "$RP_ROOT"/opt/*/bin/python "$RP_ROOT"/*venv/bin/python \
  "$RP_ROOT"/workspace/*venv/bin/python "${HOME:-/root}"/*venv/bin/python; do
  command -v "$python" >/dev/null 2>&1 || continue
  printf '%s\n' "$program" | "$python" - --budget-s "$1" --seconds "$seconds" >torch.out 2>torch.err
  status=$?
  # 3: it has no torch, or one that knows no GPU.
  [ $status = 3 ] || break
done
if [ $status = 127 ]; then
  echo '{"probe":"torch","v":1,"status":"unknown","error":"no python3"}'
  exit 3
fi
cat torch.out
[ -s torch.out ] || tail -n 5 torch.err
exit $status
