# What the pretended network programs share; the scenario's figures follow.
host_of() {
  host=${1#*://}
  host=${host%%[/?#]*}
  host=${host##*@}
  case $host in \[*) host=${host%%\]*}] ;; *) host=${host%%:*} ;; esac
}

is_loopback() { case $1 in localhost | 127.* | 0.0.0.0 | '[::1]') return 0 ;; esac; return 1; }

# How many bytes there are: as the address says, or what such a file is likely to have.
size_of() {
  case $1 in
    *bytes=[0-9]*) size=${1##*bytes=}; size=${size%%[!0-9]*} ;;
    *.bin | *.dat | *.safetensors | *.iso | *.zip | *.gz | *.whl | *.tar | *[0-9][MG]B* | *[0-9]Mb*) size=500000000 ;;
    *) size=1256 ;;
  esac
}
