"""Which calls to Lambda, RunPod, Together and CoreWeave that are on no list are known to rent nothing."""

from __future__ import annotations

import re

_HARMLESS = {
    "lambda": re.compile(
        r"/api/v1/(?:ssh-keys|file-systems|filesystems|firewall-rules|firewall-rulesets)(?:/[^/]+)?"
        r"|/api/v1/instances/[^/]+|/api/v1/instance-operations/restart"
    ),
    "runpod": re.compile(
        r"/v[12]/(?:networkvolumes|templates|containerregistryauth)(?:/[^/]+(?:/update)?)?"
        r"|/v2/(?!pods/|endpoints/)[^/]+/(?:run|runsync|purge-queue|(?:cancel|retry|status|stream)/[^/]+|openai/.+)"
    ),
    "together": re.compile(
        r"/v1/(?:(?:chat/)?completions|embeddings|rerank|responses|messages|moderations|models|batches|audio/[a-z]+"
        r"|images/(?:generations|edits)|videos|files|files/upload|evaluation|queue/[a-z]+|tci/execute)"
        r"|/v2/videos|/v1/(?:batches|files|fine-tunes|queue)/[^/]+/cancel"
        r"|/v1/compute/clusters/storages?(?:/volumes)?(?:/[^/]+)?"
    ),
    "coreweave": re.compile(
        r"/v1beta1/cks/clusters/[^/]+|/v1beta1/networking/.+|/v1/cwobject/.+|/v1alpha1/inference/gateways(?:/[^/]+)?"
    ),
}
"""Inference on what runs already, files, keys, volumes, templates and names, by the paths of each provider."""


def is_harmless(cloud: str, path: str) -> bool:
    """Return whether a call of `cloud` that is on no list is known to rent nothing."""
    return bool(_HARMLESS[cloud].fullmatch(path))
