"""``python -m bench``: see docs/benchmarks.md."""

from bench.commands import main

if __name__ == "__main__":
    main()
