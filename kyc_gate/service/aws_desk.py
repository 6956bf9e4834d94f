"""AWS, asked about launch templates, instances and job definitions with the operator's own credentials."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

import structlog
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session

from kyc_gate.adapters.aws.questions import Question, answers_of, is_lasting, is_moving, questions_of
from kyc_gate.model.job import Inquired
from kyc_gate.service.aws_credentials import Assuming, OperatorCredentials
from kyc_gate.service.config import AWSAskSettings

log = structlog.get_logger("kyc_gate")

SESSION = "kyc-gate-ask"
"""The name of the role's session, by which the provider's log tells questions from customers' calls."""


class AWSDesk:
    """Where AWS is asked. Clients are made once for each account, region and service: it takes a tenth of a second."""

    provider = "aws"

    def __init__(self, settings: AWSAskSettings) -> None:
        self._settings = settings
        region = settings.regions[0]
        self._credentials = OperatorCredentials(
            Assuming(
                region=region,
                role=settings.role,
                external_id=settings.external_id,
                profile=settings.profile,
                sts=settings.endpoints.get("sts", "").replace("{region}", region) or None,
            )
        )
        self._clients: dict[tuple[str, str, str], Any] = {}
        self._making = threading.Lock()
        self._own_account: str | None = None

    def may_ask(self, reference: str, *, moving: bool) -> bool:
        """Return whether something can be asked about it that will still be so when the call arrives."""
        believed = moving or self._settings.unsafe_moving_names or not is_moving(reference)
        return believed and bool(questions_of([reference]))

    def lasts(self, reference: str) -> bool:
        """Return whether the reference stands for the same for ever."""
        return is_lasting(reference)

    async def ask(self, account: str, region: str | None, references: Sequence[str]) -> tuple[Inquired, ...]:
        """Return what AWS says of the references, each question in a thread of its own."""
        if region is None or region not in self._settings.regions:
            return ()
        said = await asyncio.gather(
            *(asyncio.to_thread(self._answered, question, account, region) for question in questions_of(references))
        )
        return tuple(answer for answers in said for answer in answers)

    def _answered(self, question: Question, account: str, region: str) -> tuple[Inquired, ...]:
        if self._settings.role is None and self._account_of_own(region) != account:
            return ()  # a name may stand for something else there
        client = self._client(question.service, account, region)
        try:
            answer = getattr(client, question.operation)(**question.parameters)
        except (BotoCoreError, ClientError) as error:
            log.warning("reference.unasked", account=account, operation=question.operation, kind=type(error).__name__)
            return ()
        return answers_of(question, answer)

    def _account_of_own(self, region: str) -> str | None:
        if self._own_account is None:
            self._own_account = self._client("sts", "", region).get_caller_identity()["Account"]
        return self._own_account

    def _client(self, service: str, account: str, region: str) -> Any:
        with self._making:
            found = self._clients.get((service, account, region))
            if found is None:
                session = Session(profile=self._settings.profile)
                session._credentials = self._credentials.of(account, SESSION)
                address = self._settings.endpoints.get(service, "").replace("{region}", region)
                limits = Config(connect_timeout=2, read_timeout=2, retries={"total_max_attempts": 1})
                found = self._clients[service, account, region] = session.create_client(
                    service, region_name=region, endpoint_url=address or None, config=limits
                )
            return found
