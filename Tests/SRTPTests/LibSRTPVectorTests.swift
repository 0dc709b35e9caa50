import Testing

@testable import SRTP

/// Packets that libsrtp 2 protected, from master keys on, so that what the RFCs' vectors leave out (the SRTCP of
/// counter mode, short tags, the padded salts of GCM, header extensions, the rollover counter) is checked against
/// another hand.
@Suite("libsrtp's packets")
struct LibSRTPVectorTests {
    /// With a header extension, and sequence number 65534.
    static let first = hex("90e0fffe0001e240cafebabebede000110aa0000") + Array(0..<40)
    /// With sequence number 1 and therefore rollover counter 1.
    static let second = hex("8060000100020000cafebabe") + Array(100..<117)
    static let report = hex("80c80006cafebabee1e2e3e4e5e6e7e80001e2400000000100000064")

    struct Vector: Sendable, CustomTestStringConvertible {
        let profile: SRTPProtectionProfile
        let first: [UInt8]
        let second: [UInt8]
        let report: [UInt8]
        var testDescription: String { profile.name }

        var masterKey: SRTPMasterKey {
            SRTPMasterKey(
                key: (0..<profile.keyLength).map { UInt8(truncatingIfNeeded: 7 * $0 + 3) },
                salt: (0..<profile.saltLength).map { UInt8(truncatingIfNeeded: 11 * $0 + 200) })
        }
    }

    static let vectors = [
        Vector(
            profile: .aes128CounterModeSHA1Tag80,
            first: hex(
                """
                90e0fffe0001e240cafebabebede000110aa000024a0d75cc78e6c72699f0f59095b68b8093e133a277d8336a72616a77d17c19c
                9297914bd35c5cbff5345d6ac9c5550e21a9
                """),
            second: hex("8060000100020000cafebabe85a564bb7f93fcd967d8779201efa54f8abfe9b4d67bd7a536f2b3"),
            report: hex(
                "80c80006cafebabe17ff4598b74743c9b182663b7ca469f0c580f8c8800000017aca1a60b7c98a06b114")),
        Vector(
            profile: .aes128CounterModeSHA1Tag32,
            first: hex(
                """
                90e0fffe0001e240cafebabebede000110aa000024a0d75cc78e6c72699f0f59095b68b8093e133a277d8336a72616a77d17c19c
                9297914bd35c5cbff5345d6a
                """),
            second: hex("8060000100020000cafebabe85a564bb7f93fcd967d8779201efa54f8abfe9b4d6"),
            report: hex(
                "80c80006cafebabe17ff4598b74743c9b182663b7ca469f0c580f8c8800000017aca1a60b7c98a06b114")),
        Vector(
            profile: .aeadAES128GCM,
            first: hex(
                """
                90e0fffe0001e240cafebabebede000110aa0000e08b1dbfb6091b88b4b0fbc99fc08ff320a5575bbfbfd3b0efb6da2d3f06f305
                6514fbfea8d619f6bb07e760fd2c79f056b75965bb57e392
                """),
            second: hex("8060000100020000cafebabec5d9d7aebcc8d480b372a45279b4595ec372be70669e5c53bdf91bb076e2f3b820"),
            report: hex(
                """
                80c80006cafebabe6d63864716830f38902c43ec351b0594686d4f4049eb1cb4764c433c4c6921a320701fb380000001
                """)),
        Vector(
            profile: .aeadAES256GCM,
            first: hex(
                """
                90e0fffe0001e240cafebabebede000110aa000048da2a2a7fceae6d87206c6c49e5fbcdac84a38ad14d654ef0b424565a8d0758
                597770541543a7ad1fe1b0671adab68a919f21d39ed95b4a
                """),
            second: hex("8060000100020000cafebabe3b8b07aecb2001a616a85ff708e5ee59699ba5600c8a2e51f612c94af9d2d23af6"),
            report: hex(
                """
                80c80006cafebabee188eee71657480d4bc2c41e63f304ca6ffd215d14f4a1ac69c979ab4b6e579cdcb6423d80000001
                """)),
    ]

    @Test("what we protect is what libsrtp made", arguments: vectors)
    func protect(vector: Vector) throws {
        let sender = SRTPSender(profile: vector.profile, masterKey: vector.masterKey)
        // libsrtp counts SRTCP packets from 1.
        sender.rtcpSources.append(0xCAFE_BABE, 1)
        var buffer: [UInt8] = []
        for packet in [Self.first, Self.second] {
            let start = buffer.count
            buffer += packet
            try sender.protectRTP(&buffer, from: start)
        }
        let start = buffer.count
        buffer += Self.report
        try sender.protectRTCP(&buffer, from: start)
        #expect(buffer == vector.first + vector.second + vector.report)
        #expect(vector.first.count == Self.first.count + vector.profile.rtpOverhead)
        #expect(vector.report.count == Self.report.count + vector.profile.rtcpOverhead)
    }

    @Test("what libsrtp protected, we accept", arguments: vectors)
    func unprotect(vector: Vector) throws {
        let receiver = SRTPReceiver(profile: vector.profile, masterKey: vector.masterKey)
        var (first, second, report) = (vector.first, vector.second, vector.report)
        try receiver.unprotectRTP(&first)
        try receiver.unprotectRTP(&second)
        try receiver.unprotectRTCP(&report)
        #expect(first == Self.first)
        #expect(second == Self.second)
        #expect(report == Self.report)
    }
}
