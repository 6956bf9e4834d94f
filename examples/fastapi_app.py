"""A provisioning API in FastAPI, with the gate in front of it.

uvicorn examples.fastapi_app:app --http h11
"""

import os
from pathlib import Path

from fastapi import FastAPI
from pydantic import BaseModel

from kyc_gate import Gate, KYCGateMiddleware

CONFIG = os.environ.get("KYC_GATE_CONFIG", Path(__file__).with_name("kyc-gate.toml"))


class Cluster(BaseModel):
    """What a customer asks for."""

    accelerator: str
    count: int
    duration_hours: float
    workload: str | None = None


app = FastAPI()
app.add_middleware(KYCGateMiddleware, gate=Gate.from_config(CONFIG))


@app.post("/v1/clusters", status_code=201)
async def create_cluster(cluster: Cluster) -> dict[str, object]:
    """Start the machines. Only what the gate allowed comes here, byte for byte."""
    return {"id": "cluster-1", "count": cluster.count}
