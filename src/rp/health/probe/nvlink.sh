# The links between GPUs; started for more than one GPU alone.

nvidia-smi nvlink -s
nvidia-smi topo -m
