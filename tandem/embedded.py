"""What amqtt needs before strangers may reach it: it asks who comes before it does anything in their name."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amqtt.adapters import ReaderAdapter, StreamReaderAdapter, StreamWriterAdapter, WriterAdapter
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

log = logging.getLogger(__name__)

GATEWAY = "gateway"
"""The gateway's own account: it reads every device's topics and writes their receipts."""
GATEWAYS = (GATEWAY, *(f"{GATEWAY}-{number}" for number in range(2, 9)))
"""The same with one password, an account for each reception: a broker keeps one connection of an account only."""
MOST_BYTES = 64 * 1024
"""Of one packet, as at mosquitto (`max_packet_size`); an envelope has half of it at most."""
OUTWARD = "outward"
"""The name of the door for other machines."""
OF_ONE_ADDRESS = 500
"""Connections there; half of all, so that one address cannot take every place."""
PATIENCE = 10  # seconds for a newcomer to say who it is
FAREWELL = 2  # seconds for the last bytes to somebody who is put out

Accounts = Callable[[], Mapping[str, str]]
"""Who may come in: user names with their password hashes, as mosquitto writes them."""


class Unreadable(Exception):
    """What came is no packet of MQTT, or a larger one than anybody here sends."""


def may(username: str, topic: str, *, write: bool) -> bool:
    """Say what an account may do; a subscription's wildcards are nobody's but the gateway's."""
    if username in GATEWAYS:
        return topic.startswith("tandem/v1/")
    return topics.may(username, topic, write=write)


class StrictBroker(Broker):  # type: ignore[misc]  # amqtt is untyped
    """amqtt 0.12 with its doors closed; it keeps no session of anybody who has left."""

    def __init__(self, config: BrokerConfig) -> None:
        super().__init__(config)
        self._subscriptions = _Steady()
        self._connections = Counter[str]()

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

    async def stream_connected(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, listener_name: str
    ) -> None:
        """Take a connection, if its address has not its share yet."""
        came, goes = PacketReader(reader), StreamWriterAdapter(writer)
        address, _ = goes.get_peer_info() or ("", 0)
        if listener_name == OUTWARD and self._connections[address] >= OF_ONE_ADDRESS:
            log.warning("%s has %s connections, and gets no more", address, OF_ONE_ADDRESS)
            writer.transport.abort()
            return
        self._connections[address] += 1
        try:
            await self._client_connected(listener_name, came, goes)
        finally:
            self._connections.subtract([address])
            self._connections += Counter()  # Forgets who has none any more.

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

    async def _client_message_loop(self, client_session: Session, handler: BrokerProtocolHandler) -> None:
        """Hand on what somebody sent just before leaving too: amqtt has acknowledged it, and would forget it."""
        client_session.last_words = []
        await super()._client_message_loop(client_session, handler)
        for message in client_session.last_words:
            said: asyncio.Future[Any] = asyncio.Future()
            said.set_result(message)
            await self._handle_message_delivery(client_session, handler, said)

    async def _handle_disconnect(
        self, client_session: Session, handler: BrokerProtocolHandler, disconnect_waiter: "asyncio.Future[Any]"
    ) -> None:
        # Before anything is waited for: amqtt would meanwhile take one message more, and drop it.
        queue = client_session.delivered_message_queue
        client_session.last_words = [queue.get_nowait() for _ in range(queue.qsize())]
        await super()._handle_disconnect(client_session, handler, disconnect_waiter)

    async def _publish_retained_messages_for_subscription(
        self, subscription: tuple[str, int], session: Session
    ) -> None:
        # amqtt hands whoever connects the retained messages of everybody; here each gets their own.
        if may(session.username or "", subscription[0], write=False):
            await super()._publish_retained_messages_for_subscription(subscription, session)


class PacketReader(StreamReaderAdapter):  # type: ignore[misc]  # amqtt is untyped
    """Has a packet whole, and small enough, before amqtt sees its first byte; amqtt would take 256 MB of anybody.

    amqtt reads on where it failed to understand, so a read across the end of a packet ends the connection.
    """

    def __init__(self, reader: asyncio.StreamReader) -> None:
        super().__init__(reader)
        self._came, self._packet, self._body = b"", b"", 0

    async def read(self, n: int = -1) -> bytes:
        """Read from the packet at hand, or begin the next; raises Unreadable."""
        if n and not self._packet:
            await self._next()
        # amqtt reads what stands before the body byte by byte.
        most = 1 if len(self._packet) > self._body else len(self._packet)
        if self._packet and not 0 <= n <= most:
            raise Unreadable(f"{n} bytes of a packet that has {most} more")
        taken, self._packet = self._packet[:n], self._packet[n:]
        return taken

    async def _next(self) -> None:
        # What came stays here when amqtt stops waiting; it comes back for it.
        while (sizes := _sizes(self._came)) is None or len(self._came) < sum(sizes):
            if not (more := await self._reader.read(MOST_BYTES)):
                return
            self._came += more
        whole, self._body = sum(sizes), sizes[1]
        self._packet, self._came = self._came[:whole], self._came[whole:]


def _sizes(came: bytes) -> tuple[int, int] | None:
    """Say how long a packet's head and body are, once it has said so itself; raises Unreadable."""
    body = 0
    for place, byte in enumerate(came[1:5]):
        body |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            if body > MOST_BYTES:
                raise Unreadable(f"a packet of {body} bytes")
            return 2 + place, body
    if len(came) >= 5:
        raise Unreadable("a packet that does not say how long it is")
    return None


class _Steady(dict[str, list[tuple[Session, int]]]):
    """amqtt loses a message when somebody comes or leaves while it goes through these; so it goes through a copy."""

    def items(self) -> "dict_items[str, list[tuple[Session, int]]]":
        return {name: list(those) for name, those in super().items()}.items()

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
        if session.will_flag or session.username not in (session.client_id, *GATEWAYS):
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
