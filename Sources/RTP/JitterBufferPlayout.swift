import Wire

extension JitterBuffer {
    /// How long an empty buffer is concealed before it is taken for a pause: 100 ms. Opus fades out within that.
    private static let maximumHeld: Int64 = 4800
    /// How much a delay may exceed the target before packets are merged; less in quiet moments.
    private static let tolerance: Int64 = 1440
    private static let quietTolerance: Int64 = 1200
    /// A delay this far off is corrected in quick steps.
    private static let urgentExcess: Int64 = 4800
    /// Pulls between two corrections: at most 10 % faster or slower, 33 % when it is urgent.
    private static let correctionInterval = 10
    private static let urgentInterval = 3
    /// A delay this far over the greatest one aimed at is cut at once: speech that old is in the way of what is said
    /// now.
    private static let hopelessExcess: Int64 = 1920
    /// The shortest frame that Opus can conceal: 2.5 ms.
    private static let shortestFrame: Int64 = 120

    /// What to play next; to be called when fewer than 20 ms of decoded sound are left.
    public mutating func next(at now: Instant) -> Playout {
        sinceCorrection += 1
        let playout =
            switch mode {
            case .buffering: start(at: now)
            case .playing(let held): play(held: held, at: now)
            }
        counts.emittedSamples += playout.samples
        if case .lost(let fec, let samples) = playout {
            counts.concealedSamples += samples
            if fec != nil { counts.samplesOfferedForCorrection += samples }
            if !isConcealing { counts.concealmentEvents += 1 }
            isConcealing = true
        } else {
            isConcealing = false
        }
        return playout
    }

    private mutating func start(at now: Instant) -> Playout {
        // After a stall a burst arrives: what is older than the target is not worth playing.
        while packets.count > 1, buffered - packets[0].samples > target + Self.block { dropFirst() }
        guard let first = packets.first else { return .silence(samples: Int(Self.block)) }
        // Half a block early is nearer to the target than half a block late.
        let waited = now.samples - first.timestamp - delays.base
        guard waited + Self.block / 2 >= target || buffered - first.samples > target else {
            return .silence(samples: Int(Self.block))
        }
        mode = .playing(held: 0)
        playhead = first.timestamp
        pulls = PullWindow()
        return play(held: 0, at: now)
    }

    private mutating func play(held: Int64, at now: Instant) -> Playout {
        guard var position = playhead else { return .silence(samples: Int(Self.block)) }
        if buffered > maximumDelay + Self.hopelessExcess {
            while packets.count > 1, buffered - packets[0].samples > target { dropFirst() }
            if let first = packets.first { movePlayhead(by: first.timestamp - (playhead ?? first.timestamp)) }
            position = playhead ?? position
        }
        // Packets whose start the one before, longer than its timestamps said, has already covered.
        while let first = packets.first, first.timestamp < position {
            packets.removeFirst()
            counts.packetsDiscarded += 1
        }
        guard let first = packets.first else { return hold(held) }

        // What was concealed while nothing came stands for the gap that shows now.
        let covered = min(held, first.timestamp - position)
        position += covered
        playhead = position
        pulls.shift(by: held - covered)
        mode = .playing(held: 0)
        pulls.append(now.samples - position)
        let gap = first.timestamp - position
        if gap < Self.shortestFrame { return playFirst(first, at: now) }
        if first.sequence == (lastPlayed?.sequence ?? first.sequence) + 1 {
            // The talker paused: no packet is missing (RFC 7587 §3.1.3: the timestamp runs on in discontinuous
            // transmission). A pause is where the delay can be put right unheard.
            mode = .buffering
            return start(at: now)
        }
        return conceal(gap: gap, before: first, at: now)
    }

    /// Nothing has come: conceal, and leave the playhead where it is, for the packet may only be late.
    private mutating func hold(_ held: Int64) -> Playout {
        let samples = lastPlayed?.samples ?? Self.block
        guard held + samples <= Self.maximumHeld else {
            mode = .buffering
            return .silence(samples: Int(Self.block))
        }
        mode = .playing(held: held + samples)
        return .lost(fec: nil, samples: Int(samples))
    }

    /// A packet is missing and a later one is there.
    private mutating func conceal(gap: Int64, before first: Packet, at now: Instant) -> Playout {
        let excess = (currentDelay ?? target) - target
        let usual = lastPlayed?.samples ?? Self.block
        if excess >= Self.quietTolerance, gap <= excess {
            // Nothing is lost by leaving out what is not there.
            movePlayhead(by: gap)
            return playFirst(first, at: now)
        }
        if excess <= -usual {
            // The delay is too short anyway: give the missing packet one more chance.
            mode = .playing(held: usual)
            return .lost(fec: nil, samples: Int(usual))
        }
        var samples = min(usual, gap / Self.shortestFrame * Self.shortestFrame)
        if gap - samples < Self.shortestFrame {
            playhead = first.timestamp
            return .lost(fec: first.payload, samples: Int(samples))
        }
        // Align to the next packet, so that the last piece before it is a whole one that it may hold a copy of.
        let rest = gap % usual / Self.shortestFrame * Self.shortestFrame
        if rest > 0 { samples = rest }
        playhead = first.timestamp - gap + samples
        return .lost(fec: nil, samples: Int(samples))
    }

    private mutating func playFirst(_ first: Packet, at now: Instant) -> Playout {
        let excess = (currentDelay ?? target) - target
        if -excess >= Self.block, sinceCorrection >= Self.correctionInterval {
            sinceCorrection = 0
            pulls.shift(by: Self.block)
            counts.insertedSamplesForDeceleration += Int(Self.block)
            return .lost(fec: nil, samples: Int(Self.block))
        }
        if let second = packets.dropFirst().first, shouldMerge(first, second, excess: excess) {
            sinceCorrection = 0
            emit(first, at: now)
            emit(second, at: now)
            pulls.shift(by: -first.samples)
            counts.removedSamplesForAcceleration += Int(first.samples)
            return .merged(first.payload, second.payload, samples: Int(second.samples))
        }
        emit(first, at: now)
        return .packet(first.payload, samples: Int(first.samples))
    }

    private func shouldMerge(_ first: Packet, _ second: Packet, excess: Int64) -> Bool {
        guard second.sequence == first.sequence + 1, second.timestamp == first.end, second.samples == first.samples,
            excess >= max(first.isQuiet && second.isQuiet ? Self.quietTolerance : Self.tolerance, first.samples)
        else { return false }
        return sinceCorrection >= (excess >= Self.urgentExcess ? Self.urgentInterval : Self.correctionInterval)
    }

    private mutating func emit(_ packet: Packet, at now: Instant) {
        packets.removeFirst()
        playhead = packet.end
        lastPlayed = (packet.sequence, packet.samples)
        counts.totalDelay += (now - packet.arrived) * Int(packet.samples)
        counts.playedSamples += Int(packet.samples)
    }
}

/// How far the playhead lay behind the clock at the last pulls; the least counts, for it is what packets must keep up
/// with.
struct PullWindow: Sendable {
    /// Half a second of blocks.
    private static let capacity = 25
    private var ring: [Int64] = []
    private var next = 0

    /// The least of the window; nil before the first pull.
    var least: Int64? { ring.min() }

    mutating func append(_ lag: Int64) {
        if ring.count < Self.capacity {
            ring.append(lag)
        } else {
            ring[next] = lag
            next = (next + 1) % Self.capacity
        }
    }

    /// The playhead was moved: what was measured before would have been so much more.
    mutating func shift(by samples: Int64) {
        for index in ring.indices { ring[index] += samples }
    }
}
