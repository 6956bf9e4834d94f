"""The sample cloud, for uvicorn."""

from kyc_gate.cli.sample_cloud import SampleCloud

app = SampleCloud().app
