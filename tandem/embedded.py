"""What amqtt needs before strangers may reach it: it asks who comes before it does anything in their name."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amqtt.adapters import ReaderAdapter, WriterAdapter
from amqtt.broker import Broker
from amqtt.contexts import Action, BrokerConfig
from amqtt.errors import MQTTError
from amqtt.mqtt.connack import NOT_AUTHORIZED, ConnackPacket
from amqtt.mqtt.protocol.broker_handler import BrokerProtocolHandler
from amqtt.plugins.base import BaseAuthPlugin, BaseTopicPlugin
from amqtt.session import Session

from gateway.devices import check_password
from protocol import topics

if TYPE_CHECKING:
    from _collections_abc import dict_items

GATEWAY = "gateway"
"""The gateway's own account: it reads every device's topics and writes their receipts."""
PATIENCE = 10  # seconds for a newcomer to say who it is
FAREWELL = 2  # seconds for the last bytes to somebody who is put out

Accounts = Callable[[], Mapping[str, str]]
"""Who may come in: user names with their password hashes, as mosquitto writes them."""


def may(username: str, topic: str, *, write: bool) -> bool:
    """Say what an account may do; a subscription's wildcards are nobody's but the gateway's."""
    if username == GATEWAY:
        return topic.startswith("tandem/v1/")
    return topics.may(username, topic, write=write)


class StrictBroker(Broker):  # type: ignore[misc]  # amqtt is untyped
    """amqtt 0.12 with its doors closed; it keeps no session of anybody who has left."""

    def __init__(self, config: BrokerConfig) -> None:
        super().__init__(config)
        self._subscriptions = _Steady()

    async def put_out(self, accounts: Mapping[str, str]) -> None:
        """Disconnect whoever has no account any more, or another password than the one that let them in."""
        for session, _ in list(self._sessions.values()):
            if session.let_in_by != accounts.get(session.username):
                await self._end(session.client_id)

    async def _end(self, client_id: str) -> None:
        session, _ = self._sessions.get(client_id, (None, None))
        # Somebody who reads nothing more is not waited for; what they write is not read any more either.
        with suppress(TimeoutError):
            await asyncio.wait_for(self._cleanup_session(client_id), FAREWELL)
        if session:
            await self._del_all_subscriptions(session)

    async def _initialize_client_session(
        self, reader: ReaderAdapter, writer: WriterAdapter, remote_address: str, remote_port: int
    ) -> tuple[BrokerProtocolHandler, Session]:
        """Ask for the password first: amqtt ends a session, or gives it a new owner, for whoever names its client id.

        Any failure becomes the one exception after which amqtt gives the connection's place free.
        """
        try:
            async with asyncio.timeout(PATIENCE):
                handler, session = await BrokerProtocolHandler.init_from_connect(reader, writer, self.plugins_manager)
                if not await self._authenticate(session, None):
                    await ConnackPacket.build(0, NOT_AUTHORIZED).to_stream(writer)
                    raise MQTTError(f"{remote_address} is not let in")
        except Exception as error:
            with suppress(Exception):
                await asyncio.wait_for(writer.close(), FAREWELL)
            raise MQTTError(f"{remote_address}: {error!r}") from None
        await self._end(session.client_id)
        session.clean_session, session.parent = True, 0
        return handler, session

    async def _publish_retained_messages_for_subscription(
        self, subscription: tuple[str, int], session: Session
    ) -> None:
        # amqtt hands whoever connects the retained messages of everybody; here each gets their own.
        if may(session.username or "", subscription[0], write=False):
            await super()._publish_retained_messages_for_subscription(subscription, session)


class _Steady(dict[str, list[tuple[Session, int]]]):
    """amqtt loses a message when somebody subscribes while it goes through these; so it goes through a copy."""

    def items(self) -> "dict_items[str, list[tuple[Session, int]]]":
        return dict(super().items()).items()

    def __iter__(self) -> Iterator[str]:
        return iter(list(super().__iter__()))


class AccountDoor(BaseAuthPlugin):  # type: ignore[misc]  # amqtt is untyped
    """Lets in who has an account."""

    @dataclass
    class Config:
        """What the plugin is given."""

        accounts: Any

    async def authenticate(self, *, session: Session) -> bool:
        """Check one connection's user name and password, and that it claims nothing beyond them."""
        # Another's client id would put that client out; and amqtt asks nobody whether a will may be sent to its topic.
        if session.will_flag or session.username not in (session.client_id, GATEWAY):
            return False
        session.let_in_by = self.config.accounts().get(session.username or "")
        return check_password(session.let_in_by, session.password or "")


class OwnTopics(BaseTopicPlugin):  # type: ignore[misc]
    """Keeps every device to its own topics."""

    async def topic_filtering(
        self, *, session: Session | None = None, topic: str | None = None, action: Action | None = None
    ) -> bool:
        """Say whether this account may do this."""
        if session is None or topic is None or not session.username:
            return False
        return may(session.username, topic, write=action == Action.PUBLISH)
