"""A platform's own code that asks a cloud for machines, with the gate in its client session.

python examples/aiohttp_client.py http://127.0.0.1:9000 fjordlys 64
"""

import asyncio
import os
import sys
from pathlib import Path

import aiohttp

from kyc_gate import Gate
from kyc_gate.client.refused import KYCBlocked, KYCHeld

CONFIG = os.environ.get("KYC_GATE_CONFIG", Path(__file__).with_name("kyc-gate.toml"))


async def main(cloud: str, account: str, count: int) -> int:
    """Ask for `count` chips on behalf of `account`, and tell what came of it."""
    asked = {"accelerator": "H100", "count": count, "duration_hours": 720, "workload": "pre_training"}
    async with Gate.from_config(CONFIG) as gate, aiohttp.ClientSession(**gate.client_hook()) as session:
        try:
            headers = {"X-Account-Id": account}
            async with session.post(f"{cloud}/v1/clusters", json=asked, headers=headers) as response:
                print(f"allowed: {response.status}")
                return 0
        except KYCHeld as held:
            print(f"held: {held.case_id}")
        except KYCBlocked as blocked:
            print(f"blocked: {blocked.decision_id}")
        return 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
