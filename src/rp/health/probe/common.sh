# What the runner and the parts share.

# NOW: milliseconds on a clock that costs no process and that nobody sets; else those of `date`.
now() {
  if [ -z "${CLOCK:-}" ]; then
    CLOCK=date
    { read -r rp_u rp_v </proc/uptime && case $rp_u in *[0-9].[0-9][0-9]) CLOCK=uptime ;; esac; } 2>/dev/null
  fi
  if [ "$CLOCK" = uptime ]; then
    read -r rp_u rp_v </proc/uptime
    NOW=${rp_u%.*}${rp_u#*.}0
    # A number with a leading zero would be read as octal.
    while case $NOW in 0?*) true ;; *) false ;; esac do NOW=${NOW#0}; done
    return
  fi
  NOW=$(date +%s%N 2>/dev/null)
  case $NOW in
    *[!0-9]* | '' | ????????? | ?????????? | ???????????) NOW=$(date +%s)000 ;;
    *) NOW=${NOW%??????} ;;
  esac
}
