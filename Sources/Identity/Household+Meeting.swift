/// Devices that come by way of a meeting point, where they show no session but a public key.
extension Household {
    /// Who is known by the public key `key`; nil where nobody is, or their time is over.
    public func caller(holding key: [UInt8], at now: Timestamp) -> Caller? {
        let device = record.devices.first { $0.meetingKey?.bytes == key }
        let caller = device.map { Caller.person($0.person, $0.id) }
        return caller.flatMap { permissions(of: $0, at: now).isEmpty ? nil : $0 }
    }

    /// Makes `key`, 32 bytes, the one that the device is known by, in place of one before. A person's key goes with them
    /// from one session to the next; another person's is not theirs.
    public mutating func setMeetingKey(_ key: [UInt8], of id: DeviceID) throws(IdentityError) {
        guard let index = record.devices.firstIndex(where: { $0.id == id }) else { throw .unknown }
        let person = record.devices[index].person
        for other in record.devices.indices where record.devices[other].meetingKey?.bytes == key {
            guard record.devices[other].person == person else { throw .keyInUse }
            record.devices[other].meetingKey = nil
        }
        record.devices[index].meetingKey = HexadecimalBytes(key)
    }

    /// Whether the device is known by a public key.
    public func hasMeetingKey(_ id: DeviceID) -> Bool {
        record.devices.contains { $0.id == id && $0.meetingKey != nil }
    }
}
