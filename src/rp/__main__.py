"""`rp` and `python -m rp`."""

import sys


def main() -> None:
    from rp.cli.main import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
