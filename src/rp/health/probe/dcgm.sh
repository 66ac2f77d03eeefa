# NVIDIA's own diagnosis, where it is installed.

command -v dcgmi >/dev/null 2>&1 || { echo "no dcgmi"; exit 127; }
dcgmi diag -r 2
