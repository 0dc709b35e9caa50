"""A page outside the house without a browser: MQTT by paho, Noise by noiseprotocol, none of it ours (Sources/Meeting/PROTOCOL.md)."""

import base64
import hashlib
import json
import queue
import secrets
import ssl
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
from conftest import SLOWNESS
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from noise.connection import Keypair, NoiseConnection
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

TIMEOUT = 10 * SLOWNESS
EXPIRY = Properties(PacketTypes.PUBLISH)
EXPIRY.MessageExpiryInterval = 30


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_base64url(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def new_key():
    return X25519PrivateKey.generate()


def public(key):
    return base64url(key.public_key().public_bytes_raw())


class Broker:
    """A client of the broker, over a WebSocket; `account` is a name and a password, those that pages share when left out."""

    def __init__(self, meeting, authority, account=None):
        broker = meeting["broker"]
        address = urlsplit(broker["url"])
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5, transport="websockets")
        self._client.ws_set_options(path=address.path)
        self._client.username_pw_set(*(account or (broker["username"], broker["password"])))
        self._client.tls_set_context(ssl.create_default_context(cafile=authority))
        self._happened = queue.Queue()
        self._messages = {}
        self._client.on_connect = lambda _1, _2, _3, code, _4: self._happened.put(("connect", code))
        self._client.on_subscribe = lambda _1, _2, _3, codes, _4: self._happened.put(("subscribe", codes[0]))
        self._client.on_message = self._take
        self._client.connect(address.hostname, address.port)
        self._client.loop_start()
        self._wait_for("connect")

    def _wait_for(self, what):
        kind, code = self._happened.get(timeout=TIMEOUT)
        assert kind == what and not code.is_failure, (kind, code)

    def _take(self, _client, _data, message):
        self._messages.setdefault(message.topic, queue.Queue()).put(message.payload)

    def subscribe(self, topic):
        self._messages.setdefault(topic, queue.Queue())
        self._client.subscribe(topic, qos=1)
        self._wait_for("subscribe")

    def publish(self, topic, payload):
        self._client.publish(topic, payload, qos=1, properties=EXPIRY).wait_for_publish(TIMEOUT)

    def next(self, topic):
        return self._messages[topic].get(timeout=TIMEOUT)

    def close(self):
        self._client.disconnect()
        self._client.loop_stop()


class Outsider:
    """One connection of a page: `meeting` is what the door has told it at home, `key` its own. `greeting` is what it says at first."""

    def __init__(self, broker, meeting, key, **greeting):
        self._broker = broker
        self.mailbox = secrets.token_hex(16)
        base = f"doorward/{meeting['door']}"
        self.inbox, self.outbox = f"{base}/in/{self.mailbox}", f"{base}/out/{self.mailbox}"
        door_key = from_base64url(meeting["key"])
        assert meeting["door"] == hashlib.sha256(door_key).hexdigest()[:32]
        self._noise = NoiseConnection.from_name(b"Noise_IK_25519_AESGCM_SHA256")
        self._noise.set_as_initiator()
        self._noise.set_prologue(f"doorward-meeting-1 {meeting['door']} {self.mailbox}".encode())
        self._noise.set_keypair_from_private_bytes(Keypair.STATIC, key.private_bytes_raw())
        self._noise.set_keypair_from_public_bytes(Keypair.REMOTE_STATIC, door_key)
        self._noise.start_handshake()
        broker.subscribe(self.outbox)
        self.greeting = b"\x01" + self._noise.write_message(json.dumps({"version": 1, **greeting}).encode())
        self._sent = self._received = 0

    def shake_hands(self):
        """What the door answers."""
        self.say(self.greeting)
        answer = self.hear()
        assert answer[0] == 2, answer
        return json.loads(self._noise.read_message(answer[1:]))

    def open(self):
        """Comes in."""
        assert self.shake_hands() == {"version": 1}
        self.first = self.seal("ping")
        self.say(self.first)
        assert self.receive() == {"type": "pong"}
        self.welcome = self.next("welcome")
        return self

    # frames

    def say(self, payload):
        self._broker.publish(self.inbox, payload)

    def hear(self):
        return self._broker.next(self.outbox)

    # messages

    def seal(self, type, **fields):
        text = self._noise.encrypt(json.dumps({"type": type, **fields}).encode())
        self._sent += 1
        return b"\x03" + (self._sent - 1).to_bytes(8, "big") + text

    def send(self, type, **fields):
        self.say(self.seal(type, **fields))

    def receive(self):
        frame = self.hear()
        assert frame[0] == 3, frame
        assert int.from_bytes(frame[1:9], "big") == self._received
        self._received += 1
        return json.loads(self._noise.decrypt(frame[9:]))

    def next(self, *types):
        """The next message of one of these types; others are passed over."""
        while True:
            message = self.receive()
            if message["type"] in types:
                return message

    def is_cut(self):
        """Waits until the door says that there is no session any more."""
        while (frame := self.hear())[0] == 3:
            pass
        return frame == b"\x04"
