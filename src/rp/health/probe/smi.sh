# The GPUs as their driver sees them, asked once: one field that a driver does not know spoils a --query-gpu.

if command -v nvidia-smi >/dev/null 2>&1; then
  nvidia-smi -q -x && exit 0
  status=$?
  echo "smi_rc=$status"
  nvidia-smi -L
  exit "$status"
elif command -v amd-smi >/dev/null 2>&1; then
  amd-smi static --asic --vram --bus --driver --json
  amd-smi metric --json
elif command -v rocm-smi >/dev/null 2>&1; then
  rocm-smi --showproductname --showmeminfo vram --showuse --showtemp --showras all --json
else
  echo "no nvidia-smi, amd-smi or rocm-smi"
  exit 127
fi
