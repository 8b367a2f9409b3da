"""`python -m specr` is `specr`."""

from specr.cli.main import main

if __name__ == "__main__":
    main()
