# The machine and its limits, and the few environment variables that checks need. No other value is ever printed.

fact() { [ -r "$2" ] && printf '%s=%s\n' "$1" "$(head -c 400 "$2" | tr '\n\t' '  ')"; }

cgroup=$RP_ROOT/sys/fs/cgroup
echo "now=$(date -u +%s)"
echo "uid=$(id -u)"
echo "uname=$(uname -srm)"
echo "nproc=$(nproc 2>/dev/null)"
# Not from /proc/cpuinfo: with hundreds of cores that file alone takes seconds.
fact cpu_online "$RP_ROOT/sys/devices/system/cpu/online"
echo "cpu_model=$(head -n 30 "$RP_ROOT/proc/cpuinfo" 2>/dev/null | sed -n 's/^model name[^:]*: //p' | head -n 1)"
fact cg2_cpu_max "$cgroup/cpu.max"
fact cg2_cpu_stat "$cgroup/cpu.stat"
fact cg2_mem_max "$cgroup/memory.max"
fact cg2_mem_cur "$cgroup/memory.current"
fact cg2_mem_events "$cgroup/memory.events"
fact cg2_pids_max "$cgroup/pids.max"
fact cg2_cpuset "$cgroup/cpuset.cpus.effective"
fact cg1_quota "$cgroup/cpu/cpu.cfs_quota_us"
fact cg1_period "$cgroup/cpu/cpu.cfs_period_us"
fact cg1_cpu_stat "$cgroup/cpu/cpu.stat"
fact cg1_mem_max "$cgroup/memory/memory.limit_in_bytes"
fact cg1_mem_cur "$cgroup/memory/memory.usage_in_bytes"
grep -E '^(MemTotal|MemAvailable|SwapTotal):' "$RP_ROOT/proc/meminfo" 2>/dev/null | tr -d ' '
fact loadavg "$RP_ROOT/proc/loadavg"
fact psi_cpu "$RP_ROOT/proc/pressure/cpu"
fact psi_io "$RP_ROOT/proc/pressure/io"
fact psi_mem "$RP_ROOT/proc/pressure/memory"
fact uptime "$RP_ROOT/proc/uptime"
echo "nofile=$(ulimit -n)"
echo "memlock=$(ulimit -l 2>/dev/null)"
for name in python3 python curl wget git tmux rsync nvcc; do
  command -v "$name" >/dev/null 2>&1 && echo "have=$name"
done

runpod='POD_ID|POD_HOSTNAME|GPU_COUNT|GPU_NAME|GPU_SIZE|CPU_COUNT|MEM_GB|DC_ID|PUBLIC_IP|TCP_PORT_22|VOLUME_ID'
nvidia='CUDA_VERSION|CUDA_VISIBLE_DEVICES|NVIDIA_VISIBLE_DEVICES|NVIDIA_DRIVER_CAPABILITIES|NVIDIA_REQUIRE_CUDA'
loader='LD_LIBRARY_PATH|CUDA_INJECTION64_PATH|CUDA_LAUNCH_BLOCKING|NCCL_[A-Z_]*|TORCH_CUDA_ARCH_LIST'
# The login's value before the container's: programs started over SSH see that one. A line break in a value must not
# make a second line of it.
{
  tr '\n\000' '\001\n' <"/proc/$$/environ"
  tr '\n\000' '\001\n' <"$RP_ROOT/proc/1/environ"
  sed -n 's/^export \([A-Za-z0-9_]*\)="\(.*\)"$/\1=\2/p' "$RP_ROOT/etc/rp_environment"
} 2>/dev/null | grep -aE "^(RUNPOD_($runpod)|$nvidia|$loader)=" | cut -c -400 | sort -s -u -t = -k 1,1
true
