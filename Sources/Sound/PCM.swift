import CALSA
import Glibc
import Media
import Wire

/// An ALSA PCM that takes or gives the daemon's format (48 kHz, mono, 16 bit), whatever the hardware's is. It never
/// blocks but in `wait`.
final class PCM {
    /// What came of an attempt to move samples.
    enum Transfer {
        /// So many samples were moved, at least one.
        case samples(Int)
        /// None can be moved now: wait.
        case notReady
        /// The stream broke off (overrun, underrun, suspend) and was made ready anew.
        case restarted
    }

    /// The name it was opened by, in the end, with what the hardware took.
    let description: String
    private let handle: OpaquePointer
    private let direction: SoundDirection
    private let subject: String

    /// Opens the device `name`. `buffer` is how much sound it may hold.
    static func open(_ name: String, _ direction: SoundDirection, buffer: Duration) throws(DeviceError) -> PCM {
        ALSAMessages.keep()
        do throws(DeviceError) {
            return try PCM(opening: name, direction, buffer: buffer)
        } catch {
            // A `hw:` device takes only what the hardware takes. alsa-lib's plug layer converts rate, channels and
            // samples; it copes with a device whose format another program has fixed, too (snd-aloop).
            guard !error.isGone, name.hasPrefix("hw:") else { throw error }
            return try PCM(opening: "plug" + name, direction, buffer: buffer)
        }
    }

    private init(opening name: String, _ direction: SoundDirection, buffer: Duration) throws(DeviceError) {
        let subject = "the \(direction.rawValue) device \(name)"
        var opened: OpaquePointer?
        _ = ALSAMessages.take()
        // Without this, opening a device that another program has open waits for that program.
        let result = snd_pcm_open(&opened, name, direction.stream, SND_PCM_NONBLOCK)
        guard result == 0, let handle = opened else { throw alsaError("cannot open \(subject)", result) }
        do throws(DeviceError) {
            try configurePCM(handle, direction, buffer: buffer, subject: subject)
        } catch {
            snd_pcm_close(handle)
            throw error
        }
        self.handle = handle
        self.direction = direction
        self.subject = subject
        description = ([name] + hardwareDescription(of: handle)).joined(separator: ", ")
        try start()
    }

    deinit {
        snd_pcm_close(handle)
    }

    /// Reads samples into `samples` from index `start` on, as many as are there and fit.
    func read(into samples: inout [Int16], from start: Int) throws(DeviceError) -> Transfer {
        let result = samples.withUnsafeMutableBufferPointer { buffer in
            snd_pcm_readi(handle, buffer.baseAddress! + start, snd_pcm_uframes_t(buffer.count - start))
        }
        return try transfer(result)
    }

    /// Writes `samples` from index `start` on, as many as fit into the device's buffer.
    func write(_ samples: [Int16], from start: Int) throws(DeviceError) -> Transfer {
        let result = samples.withUnsafeBufferPointer { buffer in
            snd_pcm_writei(handle, buffer.baseAddress! + start, snd_pcm_uframes_t(buffer.count - start))
        }
        return try transfer(result)
    }

    /// Waits until samples can be moved, until `end` at most; nil when none could in time.
    func wait(until end: Instant) throws(DeviceError) -> Transfer? {
        let remaining = end - MonotonicClock.now
        guard remaining > .zero else { return nil }
        // Rounded up, so as not to spin through the last millisecond.
        let milliseconds = Int32(clamping: (remaining + .nanoseconds(999_999)).nanoseconds / 1_000_000)
        let result = snd_pcm_wait(handle, milliseconds)
        if result == 0 { return nil }
        return result > 0 ? .notReady : try transfer(Int(result))
    }

    /// The samples between the microphone and the reader, or between the writer and the speaker.
    var delay: Int {
        var frames: snd_pcm_sframes_t = 0
        return snd_pcm_delay(handle, &frames) == 0 ? max(0, frames) : 0
    }

    private func transfer(_ result: snd_pcm_sframes_t) throws(DeviceError) -> Transfer {
        if result > 0 { return .samples(result) }
        switch Int32(clamping: -result) {
        case 0, EAGAIN, EINTR: return .notReady
        case EPIPE:
            try restart()
        case ESTRPIPE:
            // The system slept. Not every driver can go on where it was.
            let resumed = snd_pcm_resume(handle)
            if resumed == -EAGAIN {
                poll(nil, 0, 10)
            } else if resumed < 0 {
                try restart()
            }
        default: throw alsaError("\(subject) failed", Int32(clamping: result), handle)
        }
        return .restarted
    }

    private func restart() throws(DeviceError) {
        let result = snd_pcm_prepare(handle)
        guard result == 0 else { throw alsaError("cannot restart \(subject)", result, handle) }
        try start()
    }

    /// Capture begins by a command, playback by itself as soon as there is enough to play.
    private func start() throws(DeviceError) {
        guard direction == .capture else { return }
        let result = snd_pcm_start(handle)
        guard result == 0 else { throw alsaError("cannot start \(subject)", result, handle) }
    }
}

/// Sets `handle` to the daemon's format and to reporting every 10 ms or so where it is.
private func configurePCM(
    _ handle: OpaquePointer, _ direction: SoundDirection, buffer: Duration, subject: String
) throws(DeviceError) {
    func check(_ result: Int32, _ what: String) throws(DeviceError) {
        guard result >= 0 else { throw alsaError("\(subject) refuses \(what)", result) }
    }
    var hardware: OpaquePointer?
    var software: OpaquePointer?
    guard snd_pcm_hw_params_malloc(&hardware) == 0, snd_pcm_sw_params_malloc(&software) == 0 else {
        throw alsaError("no memory for \(subject)", -ENOMEM)
    }
    defer {
        snd_pcm_hw_params_free(hardware)
        snd_pcm_sw_params_free(software)
    }
    try check(snd_pcm_hw_params_any(handle, hardware), "every format")
    try check(snd_pcm_hw_params_set_access(handle, hardware, SND_PCM_ACCESS_RW_INTERLEAVED), "interleaved samples")
    try check(snd_pcm_hw_params_set_format(handle, hardware, SND_PCM_FORMAT_S16), "16-bit samples")
    try check(snd_pcm_hw_params_set_channels(handle, hardware, 1), "one channel")
    try check(snd_pcm_hw_params_set_rate(handle, hardware, UInt32(AudioFormat.sampleRate), 0), "48000 Hz")
    var period = snd_pcm_uframes_t(AudioFormat.samplesPerBlock / 2)
    var size = snd_pcm_uframes_t(buffer.inSeconds * Double(AudioFormat.sampleRate))
    try check(snd_pcm_hw_params_set_period_size_near(handle, hardware, &period, nil), "any period")
    try check(snd_pcm_hw_params_set_buffer_size_near(handle, hardware, &size), "any buffer")
    try check(snd_pcm_hw_params(handle, hardware), "this combination")
    snd_pcm_hw_params_get_period_size(hardware, &period, nil)
    snd_pcm_hw_params_get_buffer_size(hardware, &size)

    try check(snd_pcm_sw_params_current(handle, software), "its own settings")
    let block = snd_pcm_uframes_t(AudioFormat.samplesPerBlock)
    // A wake-up a block, where a block fits well.
    try check(snd_pcm_sw_params_set_avail_min(handle, software, min(block, size / 2)), "its wake-up")
    if direction == .playback {
        // Two blocks ahead of the speaker: a block that comes up to 20 ms late is still in time.
        let threshold = min(2 * block, max(period, size - period))
        try check(snd_pcm_sw_params_set_start_threshold(handle, software, threshold), "its start")
    }
    try check(snd_pcm_sw_params(handle, software), "its settings")
}

/// The card's name, and the format that its hardware took, which is not the daemon's where the plug layer converts.
/// Empty for a PCM that belongs to no card.
private func hardwareDescription(of handle: OpaquePointer) -> [String] {
    var info: OpaquePointer?
    guard snd_pcm_info_malloc(&info) == 0 else { return [] }
    defer { snd_pcm_info_free(info) }
    let card = snd_pcm_info(handle, info) == 0 ? snd_pcm_info_get_card(info) : -1
    guard card >= 0 else { return [] }
    var parts: [String] = []
    var name: UnsafeMutablePointer<CChar>?
    if snd_card_get_name(card, &name) == 0, let name {
        parts.append(String(cString: name))
        free(name)
    }
    let letter = snd_pcm_info_get_stream(info) == SND_PCM_STREAM_CAPTURE ? "c" : "p"
    let pcm = "pcm\(snd_pcm_info_get_device(info))\(letter)/sub\(snd_pcm_info_get_subdevice(info))"
    let parameters = procParameters("/proc/asound/card\(card)/\(pcm)/hw_params")
    if let rate = parameters["rate"], let channels = parameters["channels"], let format = parameters["format"] {
        parts.append("\(rate) Hz, \(channels == "1" ? "mono" : "\(channels) channels"), \(format)")
    }
    return parts
}

/// The first word of each `name: value …` line of the file `path`.
private func procParameters(_ path: String) -> [String: String] {
    guard let file = fopen(path, "re") else { return [:] }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 1024)
    let count = fread(&bytes, 1, bytes.count, file)
    var parameters: [String: String] = [:]
    for line in String(decoding: bytes[..<count], as: UTF8.self).split(separator: "\n") {
        let words = line.split(separator: " ")
        guard words.count >= 2, words[0].last == ":" else { continue }
        parameters[String(words[0].dropLast())] = String(words[1])
    }
    return parameters
}

/// `sentence`, with what ALSA says of `code`, a negative errno. A `handle` is asked whether its device is still there.
private func alsaError(_ sentence: String, _ code: Int32, _ handle: OpaquePointer? = nil) -> DeviceError {
    let reason = String(cString: snd_strerror(code)) + (ALSAMessages.take().map { " (\($0))" } ?? "")
    let isDisconnected = handle.map { snd_pcm_state($0) == SND_PCM_STATE_DISCONNECTED } ?? false
    // ENOENT is what opening a card that is not there gives.
    return DeviceError("\(sentence): \(reason)", isGone: isDisconnected || [ENODEV, ENXIO, ENOENT].contains(-code))
}
