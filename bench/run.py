"""Every benchmark of this folder."""

import cold_start
import deploy
import health_check
import placement

if __name__ == "__main__":
    cold_start.measure()
    deploy.measure()
    health_check.measure()
    placement.measure()
