"""`python -m kyc_gate` is `kyc-gate`."""

import sys

from kyc_gate.cli.main import main

sys.exit(main())
