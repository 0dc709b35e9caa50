import CV4L2
import Glibc
import Media
import Wire

/// The memory that a driver captures into: buffers that it shares with us, each of one memory or more. Released with
/// the object.
final class CaptureBuffers {
    /// A buffer that the driver filled and lent to us until it is queued again.
    struct Filled {
        let index: UInt32
        /// Counts the frames that the driver captured, with those it had no buffer for.
        let sequence: UInt32
        /// Whether the driver found the picture damaged.
        let isDamaged: Bool
        /// When it was captured, where the driver says so by the monotonic clock.
        let captured: Instant?
        /// The picture, in each of its memories.
        let memories: [UnsafeRawBufferPointer]

        /// The driver's time where it can be true, else now: there are drivers whose clock starts anew or runs ahead.
        var plausibleTime: Instant {
            let now = MonotonicClock.now
            guard let captured, captured <= now, now - captured < .seconds(2) else { return now }
            return captured
        }
    }

    /// Enough to capture into while one is converted and another waits.
    private static let count: UInt32 = 4

    private let device: V4L2Device
    private let type: v4l2_buf_type
    private var mappings: [[UnsafeMutableRawBufferPointer]] = []
    /// Where the driver describes the memories of a multi-planar buffer.
    private let planes: UnsafeMutablePointer<v4l2_plane>

    /// Asks the driver for buffers and maps them.
    init(of device: V4L2Device, type: v4l2_buf_type) throws(DeviceError) {
        self.device = device
        self.type = type
        planes = .allocate(capacity: Int(VIDEO_MAX_PLANES))
        planes.initialize(repeating: v4l2_plane(), count: Int(VIDEO_MAX_PLANES))
        for index in 0..<(try request()) { try map(index) }
    }

    deinit {
        for mapping in mappings.joined() { munmap(mapping.baseAddress, mapping.count) }
        var none = v4l2_requestbuffers()
        none.type = type.rawValue
        none.memory = V4L2_MEMORY_MMAP.rawValue
        _ = device.control(CV4L2_REQBUFS, &none)
        planes.deallocate()
    }

    /// Lends all buffers to the driver and starts it.
    func start() throws(DeviceError) {
        for index in mappings.indices { try queue(UInt32(index)) }
        var type = Int32(type.rawValue)
        let code = device.control(CV4L2_STREAMON, &type)
        guard code == 0 else { throw device.error("cannot start", code: code) }
    }

    /// Stops the driver, which gives back all buffers.
    func stop() {
        var type = Int32(type.rawValue)
        _ = device.control(CV4L2_STREAMOFF, &type)
    }

    /// Lends the buffer `index` to the driver again.
    func queue(_ index: UInt32) throws(DeviceError) {
        var buffer = description(of: index)
        let code = device.control(CV4L2_QBUF, &buffer)
        guard code == 0 else { throw device.error("cannot queue a buffer", code: code) }
    }

    /// The oldest buffer that is filled; nil where there is none.
    func dequeue() throws(DeviceError) -> Filled? {
        var buffer = description(of: 0)
        let code = device.control(CV4L2_DQBUF, &buffer)
        if code == EAGAIN { return nil }
        if code == EPIPE { throw DeviceError("\(device.path): the picture's format changed") }
        guard code == 0 else { throw device.error("cannot capture", code: code) }
        guard Int(buffer.index) < mappings.count else {
            throw DeviceError("\(device.path): the driver filled a buffer that is not ours")
        }
        return Filled(
            index: buffer.index, sequence: buffer.sequence,
            isDamaged: buffer.flags & UInt32(V4L2_BUF_FLAG_ERROR) != 0, captured: Self.captured(of: buffer),
            memories: memories(of: buffer))
    }

    private var isMultiplanar: Bool { type == V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE }

    private func description(of index: UInt32) -> v4l2_buffer {
        var buffer = v4l2_buffer()
        buffer.index = index
        buffer.type = type.rawValue
        buffer.memory = V4L2_MEMORY_MMAP.rawValue
        if isMultiplanar {
            buffer.m.planes = planes
            buffer.length =
                mappings.indices.contains(Int(index))
                ? UInt32(mappings[Int(index)].count) : UInt32(VIDEO_MAX_PLANES)
        }
        return buffer
    }

    private func request() throws(DeviceError) -> UInt32 {
        // Asking for none tells what the driver can do. Memory that the processor does not cache is what many boards'
        // drivers give unless asked, and reading a picture out of it takes ten times as long.
        var request = v4l2_requestbuffers()
        request.type = type.rawValue
        request.memory = V4L2_MEMORY_MMAP.rawValue
        _ = device.control(CV4L2_REQBUFS, &request)
        let canBeCached = request.capabilities & UInt32(V4L2_BUF_CAP_SUPPORTS_MMAP_CACHE_HINTS) != 0
        request.count = Self.count
        request.flags = canBeCached ? UInt8(V4L2_MEMORY_FLAG_NON_COHERENT) : 0
        let code = device.control(CV4L2_REQBUFS, &request)
        guard code == 0 else { throw device.error("cannot get buffers", code: code) }
        guard request.count >= 2 else {
            throw DeviceError("\(device.path): has memory for \(request.count) buffers only")
        }
        return request.count
    }

    private func map(_ index: UInt32) throws(DeviceError) {
        var buffer = description(of: index)
        let code = device.control(CV4L2_QUERYBUF, &buffer)
        guard code == 0 else { throw device.error("cannot get a buffer", code: code) }
        let parts: [(offset: UInt32, length: UInt32)] =
            isMultiplanar
            ? (0..<min(Int(buffer.length), Int(VIDEO_MAX_PLANES))).map { (planes[$0].m.mem_offset, planes[$0].length) }
            : [(buffer.m.offset, buffer.length)]
        // Appended one by one, so that those mapped before a failure are unmapped.
        mappings.append([])
        for part in parts {
            guard
                let memory = mmap(
                    nil, Int(part.length), PROT_READ | PROT_WRITE, MAP_SHARED, device.descriptor, off_t(part.offset)),
                memory != MAP_FAILED
            else { throw device.error("cannot map a buffer", code: errno) }
            mappings[Int(index)].append(UnsafeMutableRawBufferPointer(start: memory, count: Int(part.length)))
        }
    }

    /// What the driver filled of the buffer's memories, never more than is mapped.
    private func memories(of buffer: v4l2_buffer) -> [UnsafeRawBufferPointer] {
        let mapping = mappings[Int(buffer.index)]
        guard isMultiplanar else {
            return [UnsafeRawBufferPointer(rebasing: mapping[0][..<min(Int(buffer.bytesused), mapping[0].count)])]
        }
        return mapping.enumerated().map { index, memory in
            let end = min(Int(planes[index].bytesused), memory.count)
            // bytesused counts the header that data_offset skips.
            let start = min(Int(planes[index].data_offset), end)
            return UnsafeRawBufferPointer(rebasing: memory[start..<end])
        }
    }

    private static func captured(of buffer: v4l2_buffer) -> Instant? {
        guard buffer.flags & UInt32(V4L2_BUF_FLAG_TIMESTAMP_MASK) == UInt32(V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC) else {
            return nil
        }
        let time = buffer.timestamp
        return Instant(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_usec) * 1_000)
    }
}
