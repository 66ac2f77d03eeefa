# What rocm-smi says in JSON, prepared.
cat "$POD/rocm_smi.json"
