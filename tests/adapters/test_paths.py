"""Path tables: where a path stands to the guarded patterns."""

from __future__ import annotations

import time

import pytest

from kyc_gate.adapters.paths import PathTable, Standing

TABLE = PathTable(["/v1/jobs", "/v1/jobs/{id}/scale", "/clusters/{name}/node-groups"])


@pytest.mark.parametrize(
    ("path", "standing"),
    [
        (b"/v1/jobs", Standing.EXACT),
        (b"/v1/jobs/7/scale", Standing.EXACT),
        (b"/v1/jobs/caf%C3%A9/scale", Standing.EXACT),
        (b"/v1/jobs/7", Standing.BELOW),
        (b"/v1/jobs/my%20job", Standing.BELOW),
        (b"/v1/jobs/", Standing.VARIANT),
        (b"/V1/Jobs", Standing.VARIANT),
        (b"/v1/jobs.json", Standing.VARIANT),
        (b"/v1/Jobs/7", Standing.VARIANT),
        (b"/v1/jobs/7/SCALE", Standing.VARIANT),
        (b"/v1/jobs/7/..", Standing.DISGUISED),
        (b"/x/../v1/jobs", Standing.DISGUISED),
        (b"/v1/%6Aobs", Standing.DISGUISED),
        (b"http://a/v1/jobs", Standing.DISGUISED),
        (b"v1/jobs", Standing.DISGUISED),
        (b"/v1/jobs x", Standing.DISGUISED),
        (b"//api.example/v1/jobs", Standing.DISGUISED),
        (b"///v1/jobs/7", Standing.DISGUISED),
        (b"/\\api.example/v1/jobs", Standing.DISGUISED),
        (b"/v1/jobs:batchCreate", Standing.BELOW),
        (b"/v1/Jobs:batchCreate", Standing.VARIANT),
        (b"/v1/%6Aobs:batchCreate", Standing.DISGUISED),
        (b"/v1/jobsite", Standing.ELSEWHERE),
        (b"/v1", Standing.ELSEWHERE),
        (b"/", Standing.ELSEWHERE),
        (b"/files/a%2Fb;v=1", Standing.ELSEWHERE),
        (b"/.well-known/x", Standing.ELSEWHERE),
        (b"/clusters/a/b/node-groups", Standing.ELSEWHERE),
    ],
)
def test_where_a_path_stands(path: bytes, standing: Standing) -> None:
    """A path is elsewhere, exactly a pattern, below one, or another spelling of one."""
    assert TABLE.place(path).standing is standing


def test_the_parts_of_a_pattern_are_decoded() -> None:
    """`{id}` is the decoded segment."""
    assert TABLE.place(b"/v1/jobs/a%20b/scale").parts == (("id", "a b"),)


@pytest.mark.parametrize("pattern", ["", "/", "v1", "/v1/", "/v1//a", "/v1/{Bad}", "/v1/../a", "/å"])
def test_a_pattern_that_no_clean_path_matches_is_an_error(pattern: str) -> None:
    """A pattern is checked when it is written, not when it fails to guard."""
    with pytest.raises(ValueError, match="is not a pattern"):
        PathTable([pattern])


def test_a_clean_path_elsewhere_costs_microseconds() -> None:
    """Ten thousand unguarded paths are placed within a tenth of a second."""
    begun = time.perf_counter()
    for _ in range(10_000):
        TABLE.place(b"/v1/models/abc/versions/3")
    assert time.perf_counter() - begun < 0.1
