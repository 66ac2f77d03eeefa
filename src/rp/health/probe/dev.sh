# What the kernel tells of the GPUs: answers even where nvidia-smi hangs.

word() { head -n 1 "$1" 2>/dev/null | tr ' ' _; }
total() { sed -n "s/^TOTAL_ERR_$1 //p" "$2" 2>/dev/null; }

ls -l "$RP_ROOT"/dev/nvidia* "$RP_ROOT"/dev/kfd "$RP_ROOT"/dev/dri/renderD* 2>/dev/null | head -n 40
[ -r "$RP_ROOT/proc/driver/nvidia/version" ] && head -n 1 "$RP_ROOT/proc/driver/nvidia/version"
for device in "$RP_ROOT"/sys/bus/pci/devices/*; do
  read -r vendor <"$device/vendor" && read -r class <"$device/class" || continue
  case $vendor:$class in
    0x10de:0x030[02]* | 0x1002:0x03* | 0x1002:0x1200*)
      printf 'pci=%s dev=%s speed=%s maxspeed=%s width=%s maxwidth=%s numa=%s' "${device##*/}" \
        "$(word "$device/device")" "$(word "$device/current_link_speed")" "$(word "$device/max_link_speed")" \
        "$(word "$device/current_link_width")" "$(word "$device/max_link_width")" "$(word "$device/numa_node")"
      printf ' aer_fatal=%s aer_nonfatal=%s aer_cor=%s\n' "$(total FATAL "$device/aer_dev_fatal")" \
        "$(total NONFATAL "$device/aer_dev_nonfatal")" "$(total COR "$device/aer_dev_correctable")" ;;
  esac
done 2>/dev/null
for file in "$RP_ROOT"/proc/driver/nvidia/gpus/*/information; do
  [ -r "$file" ] || continue
  echo "info=${file%/*}"
  grep -E 'Model|GPU UUID|GPU Excluded' "$file"
done
ls -l "$RP_ROOT"/usr/lib/x86_64-linux-gnu/libcuda.so* "$RP_ROOT"/usr/lib64/libcuda.so* \
  "$RP_ROOT"/usr/local/cuda/compat/libcuda.so* \
  "$RP_ROOT"/usr/lib/x86_64-linux-gnu/libnvidia-ptxjitcompiler.so* 2>/dev/null
true
