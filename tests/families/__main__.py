"""Runs families: `python -m tests.families`, or `make families`.

python -m tests.families                              all of them, both editions
python -m tests.families run xgboost lightgbm         these
python -m tests.families run xgboost --edition newest
python -m tests.families run --half                   every second one, the others with the next commit
python -m tests.families lock xgboost                 writes its requirement files anew
python -m tests.families document                     writes docs/families.md from the results
"""

from tests.families.commandline import main

main()
