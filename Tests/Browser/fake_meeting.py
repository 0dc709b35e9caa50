"""The fake door at the meeting point: an MQTT client and a Noise responder of others' making (Eclipse Paho, noiseprotocol)."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
import queue
import threading
from collections.abc import AsyncIterator
from typing import Any

import paho.mqtt.client as mqtt
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from noise.connection import Keypair, NoiseConnection
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from fake_door import FakeDoor
from mosquitto import DOOR, PAGES, PORT, Mosquitto

HELLO, ANSWER, MESSAGE, UNKNOWN = (bytes([kind]) for kind in (1, 2, 3, 4))


def encode(key: bytes) -> str:
    return base64.urlsafe_b64encode(key).rstrip(b"=").decode()


class Session:
    """One page, as a connection of the fake door's. Its messages leave sealed, one after the other."""

    def __init__(self, meeting: FakeMeeting, mailbox: str, noise: NoiseConnection):
        self.mailbox = mailbox
        self._meeting = meeting
        self._noise = noise
        self._sent = self._received = 0
        self._texts: asyncio.Queue[str | None] = asyncio.Queue()
        self.has_begun = False
        #: One for each ping of the page's; whether they are answered.
        self.pings: queue.Queue[None] = queue.Queue()
        self.is_silent = False
        #: What becomes of the next sealed message on its way.
        self.next_frame = lambda frame: [frame]

    async def send(self, text: str) -> None:
        sealed = self._noise.encrypt(text.encode())
        frame = MESSAGE + self._sent.to_bytes(8, "big") + sealed
        self._sent += 1
        on_its_way, self.next_frame = self.next_frame, lambda frame: [frame]
        for one in on_its_way(frame):
            self._meeting.publish(self.mailbox, one)

    async def close(self, code: int) -> None:
        self._meeting.publish(self.mailbox, UNKNOWN)
        self._meeting.end(self.mailbox)

    async def __aiter__(self) -> AsyncIterator[str]:
        while (text := await self._texts.get()) is not None:
            yield text

    async def receive(self, body: bytes) -> None:
        counter = int.from_bytes(body[:8], "big")
        assert counter == self._received, "the page counts as it shall"
        self._received += 1
        text = self._noise.decrypt(body[8:]).decode()
        if not self.has_begun:
            self.has_begun = True
            asyncio.get_running_loop().create_task(self._meeting.door.converse(self))
        if json.loads(text)["type"] == "ping":
            self.pings.put(None)
            if not self.is_silent:
                await self.send('{"type":"pong"}')
        else:
            self._texts.put_nowait(text)

    def end(self) -> None:
        self._texts.put_nowait(None)


class FakeMeeting:
    """A FakeDoor's connection to a broker. `is_impostor`: it claims to be the door, and does not have its key."""

    def __init__(self, door: FakeDoor, broker: Mosquitto, *, is_impostor_of: FakeMeeting | None = None):
        self.door = door
        self.broker = broker
        self._private = X25519PrivateKey.generate()
        raw = self._private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.key = is_impostor_of.key if is_impostor_of else raw
        self.id = hashlib.sha256(self.key).hexdigest()[:32]
        #: Where pages connect to.
        self.page_url = broker.page_url
        self._is_impostor = is_impostor_of is not None
        #: The pages' keys that are let in, and invitations not used yet.
        self.known: set[bytes] = set()
        self.invitations: set[str] = set()
        #: The payload of each first message.
        self.hellos: queue.Queue[dict[str, Any]] = queue.Queue()
        self.sessions: dict[str, Session] = {}
        self._client: mqtt.Client
        self.arrive()

    def arrive(self) -> None:
        """Connects to the broker, and tells the pages."""
        state = f"doorward/{self.id}/state"
        is_connected = threading.Event()
        client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        client.username_pw_set(*DOOR)
        client.reconnect_delay_set(1, 1)
        client.will_set(state, "offline", qos=1, retain=True)
        client.on_message = lambda client, data, message: self.door.run_soon(self._receive(message.topic.rpartition("/")[2], message.payload))

        def connected(client: mqtt.Client, *_: Any) -> None:
            client.subscribe(f"doorward/{self.id}/in/+", qos=1)
            client.publish(state, f"online {os.urandom(8).hex()}", qos=1, retain=True)
            is_connected.set()

        client.on_connect = connected
        self._client = client
        client.connect(self.broker.address, PORT)
        client.loop_start()
        assert is_connected.wait(10)

    @property
    def invitation(self) -> dict[str, Any]:
        """What a page learns when it is enrolled."""
        broker = {"url": self.page_url, "username": PAGES[0], "password": PAGES[1]}
        return {"door": self.id, "key": encode(self.key), "name": "Front door", "broker": broker}

    def enrol(self, page_url: str | None = None) -> None:
        """Lets pages enrol at the door's own address; `page_url` is told them as the broker's."""
        self.page_url = page_url or self.page_url

        def answer(body: dict[str, str]) -> dict[str, Any]:
            self.known.add(base64.urlsafe_b64decode(body["key"] + "="))
            return self.invitation

        self.door.me = {"role": "member", "name": "Anna", "mayManage": False, "meeting": True}
        self.door.answers["PUT", "/api/meeting"] = answer
        self.door.brokers = [self.page_url]

    def link(self, page: str, secret: str) -> str:
        """An invitation's link for a copy of the page."""
        self.invitations.add(secret)
        return f"{page}#invite={secret}&meeting={encode(json.dumps(self.invitation).encode())}"

    def publish(self, mailbox: str, payload: bytes) -> None:
        properties = Properties(PacketTypes.PUBLISH)
        properties.MessageExpiryInterval = 30
        self._client.publish(f"doorward/{self.id}/out/{mailbox}", payload, qos=1, properties=properties)

    def end(self, mailbox: str) -> None:
        if session := self.sessions.pop(mailbox, None):
            session.end()

    def leave(self) -> None:
        """Gone, as if the cable was pulled: the broker says so by the will."""
        self._client.loop_stop()
        self._client.socket().close()
        self.door.run(self._end_all())

    def stop(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()
        self.door.run(self._end_all())

    async def _end_all(self) -> None:
        for mailbox in list(self.sessions):
            self.end(mailbox)

    async def _receive(self, mailbox: str, payload: bytes) -> None:
        match payload[:1]:
            case b"":
                self.end(mailbox)
            case kind if kind == HELLO:
                self._shake_hands(mailbox, payload[1:])
            case kind if kind == MESSAGE:
                if session := self.sessions.get(mailbox):
                    await session.receive(payload[1:])
                else:
                    self.publish(mailbox, UNKNOWN)
            case kind if kind == UNKNOWN:
                self.end(mailbox)

    def _shake_hands(self, mailbox: str, hello: bytes) -> None:
        if self._is_impostor:
            # as far as one comes without the key
            self.hellos.put({})
            ephemeral = X25519PrivateKey.generate().public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
            self.publish(mailbox, ANSWER + ephemeral + os.urandom(32))
            return
        noise = NoiseConnection.from_name(b"Noise_IK_25519_AESGCM_SHA256")
        noise.set_as_responder()
        private = self._private.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
        noise.set_keypair_from_private_bytes(Keypair.STATIC, private)
        noise.set_prologue(f"doorward-meeting-1 {self.id} {mailbox}".encode())
        noise.start_handshake()
        introduction = json.loads(bytes(noise.read_message(hello)))
        self.hellos.put(introduction)
        page = noise.noise_protocol.handshake_state.rs.public_bytes
        error = None
        if (secret := introduction.get("invite")) in self.invitations:
            self.invitations.remove(secret)
            self.known.add(page)
        elif secret is not None:
            error = {"error": "invitation_used", "message": "This invitation is not valid, or no longer."}
        elif page not in self.known:
            error = {"error": "unknown_key", "message": "This device is not known here."}
        answer = noise.write_message(json.dumps(error or {"version": 1}).encode())
        if error is None:
            self.sessions[mailbox] = Session(self, mailbox, noise)
        self.publish(mailbox, ANSWER + bytes(answer))
