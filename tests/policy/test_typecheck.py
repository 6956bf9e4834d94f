"""Conditions against the closed vocabulary."""

from __future__ import annotations

import pytest

from .builders import wrong


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("customer.hedquarters == null", "unknown fact `customer.hedquarters`; did you mean `customer.headquarters`?"),
        (
            "operations.projected >= limits.frontier_operation",
            "unknown limit `limits.frontier_operation`; did you mean `limits.frontier_operations`?",
        ),
        ("customer.headquarters in groups.nort", "unknown group `groups.nort`; did you mean `groups.north`?"),
        ("options.strickt", "unknown option `options.strickt`; did you mean `options.strict`?"),
        ("xyzzy", "unknown fact `xyzzy`"),
        ("grant.budget > 1", "unknown fact `grant.budget`"),
        ("chips.count", "a condition must be true or false, and this is a number"),
        ("!chips.count", "`!` needs a boolean, and `chips.count` is a number"),
        ("workload.may_train && chips.count", "`&&` needs a boolean, and `chips.count` is a number"),
        ('chips.count > "8"', "`>` cannot compare a number with a text"),
        ('customer.name + "x" == "y"', "`+` needs a number, and `customer.name` is a text"),
        ('"SDN" in customer.name', "`in` cannot look for a text in a text"),
        ("chips.count in screening.matched", "`in` cannot look for a number in a list of text"),
        ("screening.matched == screening.possible", "lists are not compared; use `in`, `size` or `exists`"),
        ('customer.name < "x"', "`<` needs numbers or moments, not a text"),
        ("account.known == null", "`account.known` is never unknown, so it is not compared with `null`"),
        ("has(account.known)", "`account.known` is never unknown, so `has` is always true"),
        ("null == null", "only a fact can be compared with `null`"),
        ("limits.half == null", "`limits.half` is never unknown, so it is not compared with `null`"),
        (
            'workload.kind == "pretraining"',
            "`workload.kind` is never `pretraining`; did you mean `pre_training`?",
        ),
        ('screening.outcome in ["clear", "hit"]', "`screening.outcome` is never `hit`"),
        ('customer.headquarters == "China"', "`China` is not a country code of two capital letters"),
        ('as_of > date("2025-13-01")', "`2025-13-01` is not a date; write `2025-05-13`"),
        ('as_of > timestamp("2025-05-13T00:00:00")', "`2025-05-13T00:00:00` has no offset; add `Z`"),
        ("as_of > date(customer.name)", '`date` needs a date in quotes, such as `date("2025-05-13")`'),
        ("as_of > 2025", "`>` cannot compare a moment with a number"),
        ("account.known ? 1 : true", "both sides of `:` must be alike, and these are a number and a boolean"),
        ("size(chips.count) > 1", "`size` needs a list or text, not a number"),
        ("customer.name.exists(x, true)", "`exists` needs a list, not a text"),
        ('screening.matched.exists(customer, customer == "x")', "`customer` already names something else"),
        ("screening.matched.exists(code, size(code))", "`exists` needs a boolean, and `it` is a number"),
        ("[1, 2].size() > 1", "a list needs a text, and `1` is a number"),
        ("null && true", "`&&` needs a boolean, and `null` is a null"),
    ],
)
def test_a_wrong_condition_says_what_is_wrong(text: str, said: str) -> None:
    """Each mistake is named in the words of the policy, with the nearest right spelling."""
    assert any(said in problem for problem in wrong(text)), wrong(text)


def test_every_mistake_is_named_at_once() -> None:
    """Two unknown names are two problems."""
    assert len(wrong("customer.nam == account.i && chips.coun > 1")) == 3


@pytest.mark.parametrize(
    "text",
    [
        "true",
        "chips.count == null || chips.count > 8",
        "has(customer.headquarters) && customer.headquarters != parent.headquarters",
        'customer.headquarters in ["NO", "SE"] && customer.name.startsWith("F")',
        'as_of >= date("2025-05-13") && as_of < timestamp("2026-05-13T00:00:00Z")',
        'screening.matched.all(code, code != "SDN") && screening.matched.size() < 3',
        "operations.projected >= 0.1 * limits.frontier_operations / 2 - 1",
        "(options.strict ? 1 : 2) < chips.count",
        '"NO" in groups.north',
        "groups.north.exists(code, code == customer.headquarters)",
    ],
)
def test_a_right_condition_has_no_problem(text: str) -> None:
    """What is typed right is accepted."""
    assert wrong(text) == []
