# What the kernel said about hardware. Most containers may not read it.

dmesg 2>&1 |
  grep -aiE 'not permitted|not found|NVRM|Xid|fallen off|mce:|Machine check|Out of memory|I/O error|EXT4-fs error|limited by' |
  tail -n 60
true
