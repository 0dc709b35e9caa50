import RecordedOffers
import Testing

@testable import SDP

@Suite("H.264 parameters")
struct H264ParametersTests {
    @Test(
        "the profile is told from profile_idc and the constraint flags",
        arguments: [
            ("42e01f", H264Profile.constrainedBaseline, 31), ("42c01f", .constrainedBaseline, 31),
            ("42f01f", .constrainedBaseline, 31), ("42401f", .constrainedBaseline, 31),
            ("4d801f", .constrainedBaseline, 31),
            ("58c01f", .constrainedBaseline, 31), ("42001f", .baseline, 31), ("42801E", .baseline, 30),
            ("58801f", .baseline, 31), ("4d001f", .main, 31), ("4D401F", .main, 31), ("580029", .extended, 41),
            ("64001f", .high, 31), ("640c1f", .constrainedHigh, 31), ("f4001f", .highPredictive444, 31),
        ])
    func profile(text: String, profile: H264Profile, level: Int) throws {
        let parameters = try #require(H264Parameters(profileLevelID: text))
        #expect(parameters.profile == profile)
        #expect(parameters.level == H264Level(idc: UInt8(level)))
        // Written in its usual form it means the same.
        #expect(H264Parameters(profileLevelID: parameters.profileLevelID) == parameters)
    }

    @Test(
        "what is no profile or level is refused",
        arguments: [
            "", "42e0", "42e01g", "+2e01f", "42e01f0", "00e01f", "42e11f", "42e000", "42e0ff", "6400ff", "64000b1",
        ])
    func refused(text: String) {
        #expect(H264Parameters(profileLevelID: text) == nil)
    }

    @Test("level 1b lies between 1 and 1.1, however it is written")
    func level1b() throws {
        let flagged = try #require(H264Parameters(profileLevelID: "42f00b"))
        let numbered = try #require(H264Parameters(profileLevelID: "640009"))
        #expect(flagged.level == .level1b && numbered.level == .level1b)
        #expect(flagged.profileLevelID == "42f00b" && numbered.profileLevelID == "640009")
        #expect(H264Parameters(profileLevelID: "420009") == nil)
        #expect(H264Level(idc: 10) < .level1b && .level1b < H264Level(idc: 11))
        #expect(H264Parameters(profileLevelID: "42e00b")?.level == H264Level(idc: 11))
    }

    @Test("absent parameters have RFC 6184's defaults")
    func defaults() {
        let parameters = H264Parameters(RTPCodec(payloadType: 96, name: "h264", clockRate: 90000))
        #expect(
            parameters
                == H264Parameters(
                    profile: .baseline, level: H264Level(idc: 10), packetizationMode: 0, allowsLevelAsymmetry: false))
        var other = RTPCodec(payloadType: 96, name: "VP8", clockRate: 90000)
        #expect(H264Parameters(other) == nil)
        other.name = "H264"
        other.parameters = [.init("packetization-mode", "3")]
        #expect(H264Parameters(other) == nil)
    }

    static let ours = H264Parameters(profile: .constrainedBaseline, level: H264Level(idc: 31))

    @Test("of Chromium's and Firefox's codecs exactly those with our profile and packetisation mode are answered")
    func browsers() throws {
        let answered = try BrowserOffers.all.map { text in
            try SessionDescription(parsing: text).media[0].codecs.filter { codec in
                H264Parameters(codec).flatMap { Self.ours.answer(to: $0) } != nil
            }.map(\.payloadType)
        }
        #expect(answered == [[108], [126]])
    }

    @Test("levels go their own ways where both sides allow that, else the lower one holds")
    func levels() throws {
        var offered = H264Parameters(profile: .constrainedBaseline, level: H264Level(idc: 40))
        #expect(Self.ours.answer(to: offered) == Self.ours)
        #expect(Self.ours.sendLevel(to: offered) == H264Level(idc: 40))
        offered.allowsLevelAsymmetry = false
        #expect(Self.ours.answer(to: offered)?.level == H264Level(idc: 31))
        #expect(Self.ours.answer(to: offered)?.allowsLevelAsymmetry == false)
        #expect(Self.ours.sendLevel(to: offered) == H264Level(idc: 31))
        offered.level = H264Level(idc: 12)
        #expect(Self.ours.answer(to: offered)?.profileLevelID == "42e00c")
        offered.packetizationMode = 0
        #expect(Self.ours.answer(to: offered) == nil)
    }

    @Test("every profile's decoder decodes constrained baseline, and constrained baseline's no other")
    func decoding() {
        let all: [H264Profile] = [
            .constrainedBaseline, .baseline, .main, .extended, .high, .constrainedHigh, .highPredictive444,
        ]
        #expect(all.allSatisfy { $0.decodes(.constrainedBaseline) && $0.decodes($0) })
        #expect(all.filter { H264Profile.constrainedBaseline.decodes($0) } == [.constrainedBaseline])
        #expect(H264Profile.high.decodes(.main) && !H264Profile.high.decodes(.baseline))
        #expect(!H264Profile.baseline.decodes(.main))
    }

    @Test("format parameters say what they were made from")
    func formatParameters() {
        let codec = RTPCodec(
            payloadType: 108, name: "H264", clockRate: 90000, parameters: Self.ours.formatParameters)
        #expect(H264Parameters(codec) == Self.ours)
        #expect(codec.parameter("profile-level-id") == "42e01f")
    }
}
