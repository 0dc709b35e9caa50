/// A place on the grid of a letter's points.
struct PenPoint: Hashable, Sendable {
    var x: Double
    var y: Double

    /// The point `part` of the way to `other`.
    func toward(_ other: PenPoint, _ part: Double) -> PenPoint {
        PenPoint(x: x + (other.x - x) * part, y: y + (other.y - y) * part)
    }
}

/// A straight line of the pen; a dot where both ends are the same.
struct PenStroke: Hashable, Sendable {
    var start: PenPoint
    var end: PenPoint

    /// The stroke moved by as much, then enlarged.
    func moved(right: Double, down: Double, scale: Double) -> PenStroke {
        PenStroke(
            start: PenPoint(x: (start.x + right) * scale, y: (start.y + down) * scale),
            end: PenPoint(x: (end.x + right) * scale, y: (end.y + down) * scale))
    }

    /// How far `point` is from the line.
    func distance(to point: PenPoint) -> Double {
        let along = PenPoint(x: end.x - start.x, y: end.y - start.y)
        let offset = PenPoint(x: point.x - start.x, y: point.y - start.y)
        let length = along.x * along.x + along.y * along.y
        let part = length == 0 ? 0 : min(max((offset.x * along.x + offset.y * along.y) / length, 0), 1)
        let across = PenPoint(x: offset.x - part * along.x, y: offset.y - part * along.y)
        return (across.x * across.x + across.y * across.y).squareRoot()
    }

    /// The lines that write a letter given as points on a grid. Points are joined that lie side by side or one above
    /// the other, and those that touch at a corner where nothing else joins them. Where just two lines meet in a slight
    /// bend (45°), the pen takes a curve.
    static func strokes(through grid: [[Bool]]) -> [PenStroke] {
        let points = grid.indices.flatMap { row in grid[row].indices.filter { grid[row][$0] }.map { (row, $0) } }
        let strokes = points.flatMap { row, column -> [PenStroke] in
            let point = PenPoint(x: Double(column), y: Double(row))
            let neighbours = neighbours(of: row, column, in: grid)
            guard !neighbours.isEmpty else { return [PenStroke(start: point, end: point)] }
            if neighbours.count == 2, bendsSlightly(neighbours[0], point, neighbours[1]) {
                return curve(from: point.toward(neighbours[0], 0.5), by: point, to: point.toward(neighbours[1], 0.5))
            }
            return neighbours.map { PenStroke(start: point, end: point.toward($0, 0.5)) }
        }
        return joined(strokes)
    }

    private static func neighbours(of row: Int, _ column: Int, in grid: [[Bool]]) -> [PenPoint] {
        func isSet(_ row: Int, _ column: Int) -> Bool {
            grid.indices.contains(row) && grid[row].indices.contains(column) && grid[row][column]
        }
        var neighbours: [PenPoint] = []
        for down in -1...1 {
            for right in -1...1 where (down != 0 || right != 0) && isSet(row + down, column + right) {
                let isDiagonal = down != 0 && right != 0
                if isDiagonal, isSet(row + down, column) || isSet(row, column + right) { continue }
                neighbours.append(PenPoint(x: Double(column + right), y: Double(row + down)))
            }
        }
        return neighbours
    }

    private static func bendsSlightly(_ before: PenPoint, _ point: PenPoint, _ after: PenPoint) -> Bool {
        let incoming = PenPoint(x: point.x - before.x, y: point.y - before.y)
        let outgoing = PenPoint(x: after.x - point.x, y: after.y - point.y)
        let turn = incoming.x * outgoing.y - incoming.y * outgoing.x
        let along = incoming.x * outgoing.x + incoming.y * outgoing.y
        return turn != 0 && along > 0
    }

    /// A parabola in a few straight lines.
    private static func curve(from start: PenPoint, by control: PenPoint, to end: PenPoint) -> [PenStroke] {
        let count = 4
        let points = (0...count).map { index in
            let part = Double(index) / Double(count)
            return start.toward(control, part).toward(control.toward(end, part), part)
        }
        return zip(points, points.dropFirst()).map { PenStroke(start: $0, end: $1) }
    }

    /// The same strokes with those in one another's straight continuation made one: fewer to measure the distance to.
    private static func joined(_ strokes: [PenStroke]) -> [PenStroke] {
        var joined: [PenStroke] = []
        for stroke in strokes {
            let ends = [(stroke.start, stroke.end), (stroke.end, stroke.start)]
            var isJoined = false
            for (near, far) in ends where !isJoined {
                if let index = joined.firstIndex(where: { $0.continues(to: near, far) }) {
                    if joined[index].start == near { joined[index].start = far } else { joined[index].end = far }
                    isJoined = true
                }
            }
            if !isJoined { joined.append(stroke) }
        }
        return joined
    }

    /// Whether the line from `near` to `far` begins at one of the ends and goes straight on.
    private func continues(to near: PenPoint, _ far: PenPoint) -> Bool {
        guard near == start || near == end else { return false }
        let other = near == start ? end : start
        let turn = (near.x - other.x) * (far.y - near.y) - (near.y - other.y) * (far.x - near.x)
        let along = (near.x - other.x) * (far.x - near.x) + (near.y - other.y) * (far.y - near.y)
        return turn == 0 && along > 0
    }
}
