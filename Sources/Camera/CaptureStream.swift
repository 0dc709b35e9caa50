import CV4L2
import Glibc
import Media

/// The mode that a device was set to, and how the pictures lie in memory.
struct CaptureStream {
    let mode: CameraMode
    /// The distance of rows in each of the memories.
    let bytesPerLine: [Int]
    /// Whether the samples take the full range (0…255) rather than BT.601's (16…235).
    let isFullRange: Bool

    /// Sets `device` to the best mode for `configuration`.
    init(
        _ configuration: V4L2CameraConfiguration, on device: V4L2Device, type: v4l2_buf_type
    ) throws(DeviceError) {
        let described = device.describe(wanted: configuration.size, frameRate: configuration.frameRate)
        let formats = described.formats.filter { format in
            guard let wanted = configuration.pixelFormat else { return true }
            return format.pixelFormat == wanted
        }
        guard
            let best = CameraMode.best(
                among: formats, upTo: configuration.size, frameRate: configuration.frameRate)
        else {
            let offered = described.formats.map(\.fourCC.description).joined(separator: ", ")
            let wanted = configuration.pixelFormat.map { "\($0.fourCC)" } ?? "a format that can be converted"
            throw DeviceError(
                "\(device.path): \(device.name) does not offer \(wanted), only: \(offered.isEmpty ? "nothing" : offered)"
            )
        }
        let format = try CaptureFormat(
            best.pixelFormat.fourCC, width: best.width, height: best.height, on: device, type: type)
        bytesPerLine = format.bytesPerLine
        isFullRange = format.isFullRange
        mode = CameraMode(
            pixelFormat: best.pixelFormat, width: format.width, height: format.height,
            frameRate: device.setRate(best.frameRate, type: type))
    }
}

/// What a device captures once it was told what to.
struct CaptureFormat {
    /// Pixels in a row.
    let width: Int
    /// Rows.
    let height: Int
    /// The distance of rows in each of the memories.
    let bytesPerLine: [Int]
    /// Whether the samples take the full range.
    let isFullRange: Bool

    /// Sets `device` to `fourCC` in the size nearest to `width` by `height` that the driver finds.
    init(
        _ fourCC: FourCC, width: Int, height: Int, on device: V4L2Device, type: v4l2_buf_type
    ) throws(DeviceError) {
        let isMultiplanar = type == V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE
        var format = v4l2_format()
        format.type = type.rawValue
        if isMultiplanar {
            format.fmt.pix_mp.width = UInt32(width)
            format.fmt.pix_mp.height = UInt32(height)
            format.fmt.pix_mp.pixelformat = fourCC.rawValue
            format.fmt.pix_mp.field = V4L2_FIELD_NONE.rawValue
        } else {
            format.fmt.pix.width = UInt32(width)
            format.fmt.pix.height = UInt32(height)
            format.fmt.pix.pixelformat = fourCC.rawValue
            format.fmt.pix.field = V4L2_FIELD_NONE.rawValue
        }
        let code = device.control(CV4L2_S_FMT, &format)
        if code == EBUSY { throw DeviceError("\(device.path): \(device.name) is used by another program") }
        guard code == 0 else {
            throw device.error("cannot set \(width)x\(height) \(fourCC)", code: code)
        }
        let pixelFormat: UInt32
        let field: UInt32
        if isMultiplanar {
            let picture = format.fmt.pix_mp
            pixelFormat = picture.pixelformat
            field = picture.field
            bytesPerLine = withUnsafeBytes(of: picture.plane_fmt) { planes in
                planes.bindMemory(to: v4l2_plane_pix_format.self).prefix(Int(picture.num_planes)).map {
                    Int($0.bytesperline)
                }
            }
            self.width = Int(picture.width)
            self.height = Int(picture.height)
            isFullRange = Self.isFullRange(
                quantization: UInt32(picture.quantization), colorSpace: picture.colorspace)
        } else {
            let picture = format.fmt.pix
            pixelFormat = picture.pixelformat
            field = picture.field
            self.width = Int(picture.width)
            self.height = Int(picture.height)
            bytesPerLine = [Int(picture.bytesperline)]
            isFullRange = Self.isFullRange(quantization: picture.quantization, colorSpace: picture.colorspace)
        }
        guard pixelFormat == fourCC.rawValue else {
            throw DeviceError(
                "\(device.path): \(device.name) offers \(fourCC) but gives \(FourCC(rawValue: pixelFormat))"
            )
        }
        // Rows of both half-pictures by turns are shown as they are; half-pictures one after the other would be two
        // pictures in one.
        guard
            [V4L2_FIELD_NONE, V4L2_FIELD_INTERLACED, V4L2_FIELD_INTERLACED_TB, V4L2_FIELD_INTERLACED_BT]
                .contains(where: { $0.rawValue == field })
        else { throw DeviceError("\(device.path): \(device.name) gives half-pictures (interlaced video)") }
    }

    /// V4L2's own rule for what is left at the default (`V4L2_MAP_QUANTIZATION_DEFAULT`).
    private static func isFullRange(quantization: UInt32, colorSpace: UInt32) -> Bool {
        switch quantization {
        case V4L2_QUANTIZATION_FULL_RANGE.rawValue: true
        case V4L2_QUANTIZATION_LIM_RANGE.rawValue: false
        default: colorSpace == V4L2_COLORSPACE_JPEG.rawValue
        }
    }
}

extension V4L2Device {
    /// Asks for `rate`; returns the one that the driver settled on, or `rate` where it does not say.
    func setRate(_ rate: FrameRate?, type: v4l2_buf_type) -> FrameRate? {
        var parameters = v4l2_streamparm()
        parameters.type = type.rawValue
        guard control(CV4L2_G_PARM, &parameters) == 0 else { return rate }
        if let rate, parameters.parm.capture.capability & UInt32(V4L2_CAP_TIMEPERFRAME) != 0 {
            parameters.parm.capture.timeperframe = v4l2_fract(numerator: rate.seconds, denominator: rate.frames)
            guard control(CV4L2_S_PARM, &parameters) == 0 else { return rate }
        }
        let interval = parameters.parm.capture.timeperframe
        return FrameRate(frames: interval.denominator, in: interval.numerator) ?? rate
    }
}
