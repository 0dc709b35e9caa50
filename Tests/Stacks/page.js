// A browser's end of a call: `end` does what the test tells it (stack.py says what).

const connection = new RTCPeerConnection();
const audio = new AudioContext();
const candidates = [];
const channels = new Map();
const analysers = [];
let second;

connection.onicecandidate = ({ candidate }) => {
  if (candidate) candidates.push(candidate.toJSON());
};
connection.ondatachannel = ({ channel }) => keep(channel);
connection.ontrack = ({ track }) => {
  const stream = new MediaStream([track]);
  const element = document.createElement(track.kind);
  element.autoplay = true;
  element.srcObject = stream;
  document.body.append(element);
  if (track.kind === "audio") {
    const analyser = new AnalyserNode(audio, { fftSize: 8192 });
    audio.createMediaStreamSource(stream).connect(analyser);
    analysers.push(analyser);
  }
};

function keep(channel) {
  const messages = [];
  channel.binaryType = "arraybuffer";
  channel.onmessage = ({ data }) => messages.push(typeof data === "string" ? { text: data } : { bytes: base64(data) });
  channels.set(channel.label, { channel, messages });
}

function base64(buffer) {
  return btoa(Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join(""));
}

function picture(width, height) {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  document.body.append(canvas);
  const context = canvas.getContext("2d");
  let number = 0;
  setInterval(() => {
    number += 1;
    context.fillStyle = `hsl(${number * 3} 60% 50%)`;
    context.fillRect(0, 0, width, height);
    context.fillStyle = "white";
    context.fillRect((number * 4) % width, height / 3, width / 6, height / 3);
  }, 66);
  return canvas.captureStream(15).getVideoTracks()[0];
}

// The page's own tone, or, where sound is not processed for want of a sound device (Firefox), the fake microphone's.
async function tone(frequency) {
  const isRunning = await Promise.race([
    audio.resume().then(() => true),
    new Promise((resolve) => setTimeout(resolve, 500, false)),
  ]);
  if (!isRunning) return (await navigator.mediaDevices.getUserMedia({ audio: true })).getAudioTracks()[0];
  const oscillator = new OscillatorNode(audio, { frequency });
  const destination = new MediaStreamAudioDestinationNode(audio, { channelCount: 1 });
  oscillator.connect(new GainNode(audio, { gain: 0.2 })).connect(destination);
  oscillator.start();
  return destination.stream.getAudioTracks()[0];
}

const described = () => connection.localDescription.toJSON();

window.end = {
  async begin(width, height, frequency) {
    const stream = new MediaStream([await tone(frequency), picture(width, height)]);
    for (const track of stream.getTracks()) connection.addTrack(track, stream);
  },
  async offer() {
    await connection.setLocalDescription();
    return described();
  },
  async answer(offer) {
    await connection.setRemoteDescription(offer);
    await connection.setLocalDescription();
    return described();
  },
  accept: (answer) => connection.setRemoteDescription(answer),
  addCandidate: (candidate) => connection.addIceCandidate(candidate),
  takeCandidates: () => candidates.splice(0),
  state: () => connection.connectionState,
  // Whether a check has left from a candidate of the local description's.
  async hasChecked() {
    const [, fragment] = connection.localDescription.sdp.match(/^a=ice-ufrag:(\S+)/m);
    const stats = await connection.getStats();
    const isOurs = (id) => stats.get(id)?.usernameFragment === fragment;
    return [...stats.values()].some(
      (report) => report.type === "candidate-pair" && report.requestsSent > 0 && isOurs(report.localCandidateId),
    );
  },
  restartICE: () => connection.restartIce(),
  addVideo(width, height) {
    second = connection.addTrack(picture(width, height), new MediaStream());
  },
  removeVideo: () => connection.removeTrack(second),
  createChannel: (label) => keep(connection.createDataChannel(label)),
  send(label, { text, bytes }) {
    channels.get(label).channel.send(text ?? Uint8Array.from(atob(bytes), (character) => character.charCodeAt(0)));
  },
  isOpen: (label) => channels.get(label)?.channel.readyState === "open",
  messages: (label) => channels.get(label)?.messages ?? [],
  async encodes() {
    return [...(await connection.getStats()).values()].some((report) => report.type === "outbound-rtp" && report.framesEncoded > 0);
  },
  async received() {
    const reports = [...(await connection.getStats()).values()].filter((report) => report.type === "inbound-rtp");
    const spectrum = analysers.map((analyser) => {
      const bins = new Float32Array(analyser.frequencyBinCount);
      analyser.getFloatFrequencyData(bins);
      const peak = bins.indexOf(Math.max(...bins));
      return { frequency: (peak * audio.sampleRate) / analyser.fftSize, level: 10 ** (bins[peak] / 20) };
    });
    return { reports, sound: audio.state === "running" ? spectrum[0] : undefined };
  },
};
