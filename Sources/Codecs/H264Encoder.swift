import CX264
import Media
import Wire

/// H.264 in constrained baseline profile by x264, tuned so that each picture comes out as soon as it went in. Owned by
/// one thread. Every key frame carries its parameter sets.
public final class H264Encoder: VideoEncoder {
    /// What the encoder was made for; `bitrate` follows `setBitrate`.
    public private(set) var configuration: H264EncoderConfiguration
    /// The level written into the parameter sets.
    public let level: H264Level

    /// RTP's own clock for video (RFC 6184 §8.2.1).
    private static let ticksPerSecond: Int64 = 90_000
    /// Seconds of the bitrate that x264 may save up or borrow. A key frame that uses it all takes this long to send.
    private static let bufferSeconds = 0.3
    /// The same, in pictures, for some pictures after the bitrate fell: what was saved up at the old one would be spent at
    /// once, and by then the network has no room for it. With less than three pictures' worth x264 falls far short of the
    /// bitrate, for it leaves room for a picture that is larger than it expects.
    private static let (fallenBufferPictures, fallenPictures) = (3.0, 15)
    /// The part of the bitrate that is left when it fell; the estimate of a steady network varies by less.
    private static let fallen = 0.8

    private let encoder: OpaquePointer
    private var parameters: x264_param_t
    private let message: UnsafeMutablePointer<cx264_message>
    private var lastTick = Int64.min
    /// Pictures until the whole buffer is there again.
    private var picturesToRecover = 0
    /// nil where pictures come out whole.
    private let slices: SliceCollector?

    /// An encoder of `configuration`. Throws what x264 has against it.
    public init(_ configuration: H264EncoderConfiguration) throws(DeviceError) {
        let size = configuration.size
        guard configuration.frameRate >= 1, configuration.frameRate <= 240 else {
            throw DeviceError("H.264 encoder: \(configuration.frameRate) pictures a second are not between 1 and 240")
        }
        guard configuration.bitrate >= 10_000, (1...64).contains(configuration.threads),
            (1...16).contains(configuration.slices),
            let level = H264Level.lowest(
                width: size.width, height: size.height, frameRate: configuration.frameRate,
                bitrate: configuration.bitrate)
        else {
            throw DeviceError(
                "H.264 encoder: cannot make \(size) at \(configuration.frameRate) pictures a second in "
                    + "\(configuration.bitrate) bit/s with \(configuration.threads) threads")
        }
        var parameters = x264_param_t()
        guard x264_param_default_preset(&parameters, configuration.preset.rawValue, "zerolatency") == 0 else {
            throw DeviceError("H.264 encoder: x264 does not know the preset \(configuration.preset.rawValue)")
        }
        let message = UnsafeMutablePointer<cx264_message>.allocate(capacity: 1)
        message.initialize(to: cx264_message())
        cx264_log_to(&parameters, message)
        Self.set(&parameters, to: configuration, level: level)
        let slices = configuration.slices > 1 ? SliceCollector(size: size) : nil
        if slices != nil { parameters.nalu_process = SliceCollector.process }
        guard x264_param_apply_profile(&parameters, "baseline") == 0, let encoder = cx264_encoder_open(&parameters)
        else {
            defer { message.deallocate() }
            throw DeviceError("H.264 encoder: \(Self.text(message))")
        }
        self.configuration = configuration
        self.level = level
        self.encoder = encoder
        self.parameters = parameters
        self.message = message
        self.slices = slices
    }

    deinit {
        x264_encoder_close(encoder)
        message.deallocate()
    }

    /// `x264 superfast, H.264 42e01f, 1280x720, 30 frames/s`.
    public var description: String {
        let rate = configuration.frameRate
        let rateText = rate == rate.rounded() ? String(Int(rate)) : String(rate)
        return
            "x264 \(configuration.preset.rawValue), H.264 \(profileLevelID), \(configuration.size), \(rateText) frames/s"
    }

    /// `42e01f` up to 1280x720 and 30 pictures a second.
    public var profileLevelID: String { "42e0" + String(level.idc, radix: 16) }

    /// Encodes `frame`, whose size must be the configured one, whole.
    public func encode(_ frame: VideoFrame, forceKeyFrame: Bool) throws(DeviceError) -> AccessUnit? {
        var whole: AccessUnit?
        try encode(frame, forceKeyFrame: forceKeyFrame, isWhole: true) { whole = $0 }
        return whole
    }

    /// Encodes `frame`, whose size must be the configured one, and calls `give` with each part, in order, as soon as it is
    /// ready: with as many as there are slices, or with all in one. Where the encoder dropped the picture there is none.
    public func encode(
        _ frame: VideoFrame, forceKeyFrame: Bool, give: (AccessUnit) -> Void
    ) throws(DeviceError) {
        try encode(frame, forceKeyFrame: forceKeyFrame, isWhole: false, give: give)
    }

    private func encode(
        _ frame: VideoFrame, forceKeyFrame: Bool, isWhole: Bool, give: (AccessUnit) -> Void
    ) throws(DeviceError) {
        precondition(frame.size == configuration.size, "the encoder was made for \(configuration.size)")
        if picturesToRecover > 0 {
            picturesToRecover -= 1
            if picturesToRecover == 0 { try reconfigure() }
        }
        var picture = x264_picture_t()
        x264_picture_init(&picture)
        picture.img.i_csp = X264_CSP_I420
        picture.img.i_plane = 3
        picture.img.i_stride = (Int32(frame.size.width), Int32(frame.size.width / 2), Int32(frame.size.width / 2), 0)
        picture.i_type = forceKeyFrame ? X264_TYPE_IDR : X264_TYPE_AUTO
        picture.i_pts = nextTick(for: frame.captured)

        guard let slices else {
            let (length, nalUnits) = encode(&picture, of: frame)
            guard length >= 0 else { throw DeviceError("H.264 encoder: \(Self.text(message))") }
            guard length > 0 else { return }
            return give(Self.accessUnit(of: nalUnits, captured: frame.captured))
        }
        let length = slices.collect(captured: frame.captured, isWhole: isWhole, give: give) { context in
            picture.opaque = context
            return encode(&picture, of: frame).length
        }
        guard length >= 0 else { throw DeviceError("H.264 encoder: \(Self.text(message))") }
    }

    private func encode(
        _ picture: inout x264_picture_t, of frame: VideoFrame
    ) -> (length: Int32, nalUnits: UnsafeBufferPointer<x264_nal_t>) {
        var nalUnits: UnsafeMutablePointer<x264_nal_t>?
        var count: Int32 = 0
        var output = x264_picture_t()
        let lumaCount = frame.size.width * frame.size.height
        let length = frame.bytes.withUnsafeBufferPointer { bytes in
            // x264 only reads the planes, but its picture type serves output as well and so is not const.
            let luma = UnsafeMutablePointer(mutating: bytes.baseAddress!)
            picture.img.plane = (luma, luma + lumaCount, luma + lumaCount * 5 / 4, nil)
            return x264_encoder_encode(encoder, &nalUnits, &count, &picture, &output)
        }
        return (length, UnsafeBufferPointer(start: nalUnits, count: Int(count)))
    }

    /// Aims at `bitrate` bits a second from the next picture on; the level's own limit bounds it.
    public func setBitrate(_ bitrate: Int) throws(DeviceError) {
        let bitrate = min(max(bitrate, 10_000), level.maximumBitrate)
        guard bitrate != configuration.bitrate else { return }
        let hasFallen = Double(bitrate) < Self.fallen * Double(configuration.bitrate)
        if hasFallen { picturesToRecover = Self.fallenPictures }
        configuration.bitrate = bitrate
        try reconfigure()
    }

    private func reconfigure() throws(DeviceError) {
        let seconds =
            picturesToRecover > 0 ? Self.fallenBufferPictures / configuration.frameRate : Self.bufferSeconds
        Self.setRate(&parameters, to: configuration.bitrate, bufferSeconds: seconds)
        guard x264_encoder_reconfig(encoder, &parameters) == 0 else {
            throw DeviceError("H.264 encoder: \(Self.text(message))")
        }
    }

    /// `captured` in ticks, later than the picture's before: x264 wants each time stamp to rise.
    private func nextTick(for captured: Instant) -> Int64 {
        let (seconds, nanoseconds) = captured.nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        let tick = seconds * Self.ticksPerSecond + nanoseconds * Self.ticksPerSecond / 1_000_000_000
        lastTick = max(tick, lastTick == .min ? tick : lastTick + 1)
        return lastTick
    }

    private static func set(
        _ parameters: inout x264_param_t, to configuration: H264EncoderConfiguration, level: H264Level
    ) {
        parameters.i_csp = X264_CSP_I420
        parameters.i_width = Int32(configuration.size.width)
        parameters.i_height = Int32(configuration.size.height)
        parameters.i_level_idc = Int32(level.idc)
        parameters.i_fps_num = UInt32((configuration.frameRate * 1_000).rounded())
        parameters.i_fps_den = 1_000
        parameters.i_timebase_num = 1
        parameters.i_timebase_den = UInt32(ticksPerSecond)
        parameters.i_threads = Int32(configuration.threads)
        parameters.b_intra_refresh = configuration.intraRefresh ? 1 : 0
        parameters.i_slice_count = configuration.slices > 1 ? Int32(configuration.slices) : 0
        parameters.i_keyint_max =
            configuration.keyFrameInterval.map { Int32(max(1, min($0.inSeconds * configuration.frameRate, 1e6))) }
            ?? X264_KEYINT_MAX_INFINITE
        // A picture that shares nothing with the one before is coded in intra macroblocks where they are cheaper; a
        // whole I picture that nobody asked for is only a burst.
        parameters.i_scenecut_threshold = 0
        parameters.b_repeat_headers = 1
        parameters.b_annexb = 1
        parameters.b_aud = 0
        // VideoFrame is BT.601, limited range; a decoder that is not told guesses BT.709 from 720 rows up.
        parameters.vui.b_fullrange = 0
        parameters.vui.i_colorprim = 6
        parameters.vui.i_transfer = 6
        parameters.vui.i_colmatrix = 6
        parameters.rc.i_rc_method = X264_RC_ABR
        setRate(&parameters, to: configuration.bitrate)
    }

    private static func setRate(
        _ parameters: inout x264_param_t, to bitrate: Int, bufferSeconds: Double = bufferSeconds
    ) {
        let kilobits = Int32((bitrate + 500) / 1_000)
        parameters.rc.i_bitrate = kilobits
        parameters.rc.i_vbv_max_bitrate = kilobits
        parameters.rc.i_vbv_buffer_size = Int32(Double(kilobits) * bufferSeconds)
    }

    /// Copies the NAL units, which lie back to back in x264's memory, and leaves out the one that only names x264
    /// itself.
    private static func accessUnit(
        of nalUnits: UnsafeBufferPointer<x264_nal_t>, captured: Instant
    ) -> AccessUnit {
        let kept = nalUnits.filter { $0.i_type != NAL_SEI.rawValue && $0.i_type != NAL_AUD.rawValue }
        // x264 takes the beginning of a refresh for a key frame, too, but no decoder does
        let isKeyFrame = kept.contains { $0.i_type == NAL_SLICE_IDR.rawValue }
        let total = kept.reduce(0) { $0 + Int($1.i_payload) }
        var ranges: [Range<Int>] = []
        ranges.reserveCapacity(kept.count)
        let bytes = [UInt8](unsafeUninitializedCapacity: total) { buffer, count in
            for nalUnit in kept {
                let payload = UnsafeBufferPointer(start: nalUnit.p_payload, count: Int(nalUnit.i_payload))
                _ = UnsafeMutableBufferPointer(rebasing: buffer[count...]).update(fromContentsOf: payload)
                let start = count + (nalUnit.b_long_startcode != 0 ? 4 : 3)
                count += payload.count
                ranges.append(start..<count)
                if nalUnit.i_type == NAL_SPS.rawValue { markExtended(&buffer[start + 2]) }
            }
        }
        return AccessUnit(bytes: bytes, nalUnits: ranges, isKeyFrame: isKeyFrame, captured: captured)
    }

    /// Sets constraint_set2_flag in a sequence parameter set's third byte: what x264 makes for baseline obeys the extended
    /// profile as well (H.264 §A.2.3), and with the flag the parameter set says exactly the 42e0.. that is negotiated.
    static func markExtended(_ constraints: inout UInt8) { constraints |= 0x20 }

    private static func text(_ message: UnsafeMutablePointer<cx264_message>) -> String {
        var text = withUnsafeBytes(of: &message.pointee.text) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        while text.last?.isWhitespace == true { text.removeLast() }
        return text.isEmpty ? "x264 failed without a reason" : text
    }
}
