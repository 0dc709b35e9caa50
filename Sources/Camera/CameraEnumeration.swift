import CV4L2
import Glibc
import Media

extension V4L2Device {
    /// Drivers of half a camera: the Raspberry Pi's image processor, whose nodes capture only what is fed in at another
    /// one, but do not say so.
    private static let drivers: Set<String> = ["bcm2835-isp"]

    /// A driver that never ends its list must not hang us.
    private static let mostEntries: UInt32 = 256

    var name: String { Self.string(from: capability.card) }
    var driver: String { Self.string(from: capability.driver) }
    private var bus: String { Self.string(from: capability.bus_info) }

    private var capabilities: UInt32 {
        // A driver with several nodes says in the one field what the whole device can, in the other what this node can.
        capability.capabilities & UInt32(V4L2_CAP_DEVICE_CAPS) != 0
            ? capability.device_caps : capability.capabilities
    }

    /// The type of the node's capture buffers; nil where it does not capture pictures, or not by streaming.
    var captureType: v4l2_buf_type? {
        guard capabilities & UInt32(V4L2_CAP_STREAMING) != 0 else { return nil }
        if capabilities & UInt32(V4L2_CAP_VIDEO_CAPTURE) != 0 { return V4L2_BUF_TYPE_VIDEO_CAPTURE }
        if capabilities & UInt32(V4L2_CAP_VIDEO_CAPTURE_MPLANE) != 0 { return V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE }
        return nil
    }

    /// Whether the node is a camera that works by itself: not a codec or scaler (memory to memory), and not the last
    /// node of a pipeline that a program must first put together with the media controller.
    var isCamera: Bool {
        let excluded = UInt32(V4L2_CAP_VIDEO_M2M) | UInt32(V4L2_CAP_VIDEO_M2M_MPLANE) | UInt32(V4L2_CAP_IO_MC)
        return captureType != nil && capabilities & excluded == 0 && !Self.drivers.contains(driver)
    }

    /// What the device says of itself; of ranges, `wanted` and `frameRate` are among what is offered.
    func describe(wanted: VideoSize? = nil, frameRate: Double? = nil) -> CameraDevice {
        var formats: [CameraFormat] = []
        if let captureType {
            for index in 0..<Self.mostEntries {
                var entry = v4l2_fmtdesc()
                entry.index = index
                entry.type = captureType.rawValue
                guard control(CV4L2_ENUM_FMT, &entry) == 0 else { break }
                let fourCC = FourCC(rawValue: entry.pixelformat)
                // A driver can have a hundred formats in ten sizes at ten rates: only ask for what could be used.
                let (sizes, range) =
                    PixelFormat(fourCC: fourCC) == nil && fourCC != .h264
                    ? ([], nil) : sizes(of: fourCC, wanted: wanted, frameRate: frameRate)
                formats.append(
                    CameraFormat(fourCC: fourCC, name: Self.string(from: entry.description), sizes: sizes, range: range)
                )
            }
        }
        return CameraDevice(path: path, name: name, driver: driver, bus: bus, formats: formats)
    }

    private func sizes(
        of fourCC: FourCC, wanted: VideoSize?, frameRate: Double?
    ) -> ([CameraSize], CameraSizeRange?) {
        var sizes: [(width: Int, height: Int)] = []
        var range: CameraSizeRange?
        for index in 0..<Self.mostEntries {
            var entry = v4l2_frmsizeenum()
            entry.index = index
            entry.pixel_format = fourCC.rawValue
            guard control(CV4L2_ENUM_FRAMESIZES, &entry) == 0 else { break }
            if entry.type == V4L2_FRMSIZE_TYPE_DISCRETE.rawValue {
                sizes.append((Int(entry.discrete.width), Int(entry.discrete.height)))
            } else {
                let steps = entry.stepwise
                guard steps.min_width <= steps.max_width, steps.min_height <= steps.max_height else { break }
                let offered = CameraSizeRange(
                    widths: Int(steps.min_width)...Int(steps.max_width),
                    heights: Int(steps.min_height)...Int(steps.max_height),
                    widthStep: Int(steps.step_width), heightStep: Int(steps.step_height))
                sizes += offered.usualSizes(wanted: wanted)
                range = offered
                break
            }
        }
        if sizes.isEmpty, let current = currentSize(of: fourCC) { sizes = [current] }
        sizes.sort { ($0.width * $0.height, $0.width) > ($1.width * $1.height, $1.width) }
        let described = sizes.map { size in
            CameraSize(
                width: size.width, height: size.height,
                frameRates: frameRates(of: fourCC, width: size.width, height: size.height, wanted: frameRate))
        }
        return (described, range)
    }

    /// The size that the device is set to, where it is set to `fourCC`: all there is to know of a driver that cannot
    /// enumerate sizes.
    private func currentSize(of fourCC: FourCC) -> (width: Int, height: Int)? {
        guard let captureType else { return nil }
        var format = v4l2_format()
        format.type = captureType.rawValue
        guard control(CV4L2_G_FMT, &format) == 0 else { return nil }
        let isMultiplanar = captureType == V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE
        let current = isMultiplanar ? format.fmt.pix_mp.pixelformat : format.fmt.pix.pixelformat
        guard current == fourCC.rawValue else { return nil }
        return isMultiplanar
            ? (Int(format.fmt.pix_mp.width), Int(format.fmt.pix_mp.height))
            : (Int(format.fmt.pix.width), Int(format.fmt.pix.height))
    }

    private func frameRates(of fourCC: FourCC, width: Int, height: Int, wanted: Double?) -> [FrameRate] {
        var rates: Set<FrameRate> = []
        for index in 0..<Self.mostEntries {
            var entry = v4l2_frmivalenum()
            entry.index = index
            entry.pixel_format = fourCC.rawValue
            entry.width = UInt32(width)
            entry.height = UInt32(height)
            guard control(CV4L2_ENUM_FRAMEINTERVALS, &entry) == 0 else { break }
            if entry.type == V4L2_FRMIVAL_TYPE_DISCRETE.rawValue {
                if let rate = FrameRate(interval: entry.discrete) { rates.insert(rate) }
            } else {
                let ends = [entry.stepwise.min, entry.stepwise.max].compactMap(FrameRate.init(interval:))
                guard let slowest = ends.min(), let fastest = ends.max() else { break }
                let usual = [60, 50, 30, 25, 20, 15, 10, 5].compactMap { FrameRate(frames: $0) }
                let configured = wanted.flatMap { FrameRate(nearestTo: $0) }
                let between = (usual + [configured].compactMap(\.self)).filter { $0 > slowest && $0 < fastest }
                rates.formUnion(ends + between)
                break
            }
        }
        return rates.sorted(by: >)
    }
}

extension FrameRate {
    /// The rate of frames that are `interval` apart.
    fileprivate init?(interval: v4l2_fract) {
        self.init(frames: interval.denominator, in: interval.numerator)
    }

    /// The rate nearest to `value` frames a second, to a thousandth.
    fileprivate init?(nearestTo value: Double) {
        guard value > 0, value < 1_000 else { return nil }
        if value == value.rounded() {
            self.init(frames: UInt32(value))
        } else {
            self.init(frames: UInt32((value * 1_000).rounded()), in: 1_000)
        }
    }
}
