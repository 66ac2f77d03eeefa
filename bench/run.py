"""Every benchmark of this folder."""

import cold_start
import deploy
import health

if __name__ == "__main__":
    cold_start.measure()
    deploy.measure()
    health.measure()
