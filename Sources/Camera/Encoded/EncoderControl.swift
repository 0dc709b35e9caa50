import CV4L2
import Glibc
import Media

/// What a camera's own encoder can be told, as far as its driver knows it.
enum EncoderControl: CaseIterable {
    /// A key frame, now.
    case forceKeyFrame
    /// Bits a second.
    case bitrate
    /// 1: parameter sets before every key frame.
    case repeatSequenceHeader
    /// V4L2's number of the profile.
    case profile
    /// B pictures between others.
    case bFrames
    /// Pictures from one IDR picture to the next.
    case idrPeriod
    /// Pictures from one I picture to the next.
    case groupSize

    /// V4L2's identifier.
    var identifier: UInt32 {
        switch self {
        case .forceKeyFrame: CV4L2_CID_FORCE_KEY_FRAME
        case .bitrate: CV4L2_CID_BITRATE
        case .repeatSequenceHeader: CV4L2_CID_REPEAT_SEQ_HEADER
        case .profile: CV4L2_CID_H264_PROFILE
        case .bFrames: CV4L2_CID_B_FRAMES
        case .idrPeriod: CV4L2_CID_H264_I_PERIOD
        case .groupSize: CV4L2_CID_GOP_SIZE
        }
    }
}

extension V4L2Device {
    /// The values that `control` takes; nil where the driver does not have it.
    func range(of control: EncoderControl) -> ClosedRange<Int>? {
        var query = v4l2_queryctrl()
        query.id = control.identifier
        guard self.control(CV4L2_QUERYCTRL, &query) == 0,
            query.flags & UInt32(V4L2_CTRL_FLAG_DISABLED) == 0, query.flags & UInt32(V4L2_CTRL_FLAG_READ_ONLY) == 0
        else { return nil }
        // a button has no values
        return query.minimum <= query.maximum ? Int(query.minimum)...Int(query.maximum) : 0...0
    }

    /// Sets `control`; false where the driver refuses.
    func set(_ control: EncoderControl, to value: Int) throws(DeviceError) -> Bool {
        var setting = v4l2_control(id: control.identifier, value: Int32(clamping: value))
        let code = self.control(CV4L2_S_CTRL, &setting)
        if code == ENODEV { throw error("cannot be set", code: code) }
        return code == 0
    }
}
