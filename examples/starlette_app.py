"""A provisioning API in Starlette, with the gate in front of it.

uvicorn examples.starlette_app:app --http h11
"""

import os
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from kyc_gate import Gate, KYCGateMiddleware

CONFIG = os.environ.get("KYC_GATE_CONFIG", Path(__file__).with_name("kyc-gate.toml"))


async def create_cluster(request: Request) -> Response:
    """Start the machines. Only what the gate allowed comes here, byte for byte."""
    asked = await request.json()
    return JSONResponse({"id": "cluster-1", "count": asked["count"]}, status_code=201)


async def health(request: Request) -> Response:
    """Nothing guarded: the gate does not touch it."""
    return Response("ok")


app = Starlette(routes=[Route("/v1/clusters", create_cluster, methods=["POST"]), Route("/health", health)])

gate = Gate.from_config(CONFIG)
app = KYCGateMiddleware(app, gate=gate)
