import Platform

/// The system's two clocks.
package enum Clock {
    /// Nanoseconds of a clock that never goes back, from no particular beginning.
    package static var monotonic: Int64 { read(CLOCK_MONOTONIC) }

    /// Milliseconds since the Unix epoch. It may be set, and so may jump.
    package static var wall: Int64 { read(CLOCK_REALTIME) / 1_000_000 }

    /// Nanoseconds of processor time that this process has used.
    package static var processor: Int64 { read(CLOCK_PROCESS_CPUTIME_ID) }

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        // The pointer is to a local variable.
        _ = unsafe clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// A point in time as clocks and calendars in some place show it.
    package struct Local: Equatable, Sendable {
        package var year = 1970
        package var month = 1
        package var day = 1
        package var hour = 0
        package var minute = 0
        package var second = 0
    }

    /// In this place.
    ///
    /// - Parameter time: milliseconds since the Unix epoch.
    package static func local(_ time: Int64) -> Local { unsafe fields(of: time) { unsafe localtime_r($0, $1) } }

    /// The same in coordinated universal time.
    package static func utc(_ time: Int64) -> Local { unsafe fields(of: time) { unsafe gmtime_r($0, $1) } }

    /// - Parameter time: milliseconds since the Unix epoch.
    /// - Returns: as ISO 8601 has it, in UTC, such as `2026-11-30T12:34:56.789Z`.
    package static func iso8601(_ time: Int64) -> String {
        func digits(_ number: Int, _ count: Int) -> String {
            let text = String(number)
            return String(repeating: "0", count: max(0, count - text.count)) + text
        }
        let moment = utc(time)
        let date = "\(digits(moment.year, 4))-\(digits(moment.month, 2))-\(digits(moment.day, 2))"
        let seconds = "\(digits(moment.second, 2)).\(digits(Int((time % 1000 + 1000) % 1000), 3))"
        return "\(date)T\(digits(moment.hour, 2)):\(digits(moment.minute, 2)):\(seconds)Z"
    }

    private static func fields(
        of time: Int64, _ convert: (UnsafePointer<time_t>, UnsafeMutablePointer<tm>) -> UnsafeMutablePointer<tm>?
    ) -> Local {
        var seconds = time_t(time / 1000 - (time % 1000 < 0 ? 1 : 0))
        // It has a pointer in it, to the zone's name, which is not used here.
        var fields = unsafe tm()
        // Both pointers are to local variables. A time beyond all calendars gives null.
        guard unsafe convert(&seconds, &fields) != nil else { return Local() }
        return unsafe Local(
            year: Int(fields.tm_year) + 1900, month: Int(fields.tm_mon) + 1, day: Int(fields.tm_mday),
            hour: Int(fields.tm_hour), minute: Int(fields.tm_min), second: Int(fields.tm_sec))
    }

    /// Does nothing for some nanoseconds, or until a signal comes.
    package static func sleep(nanoseconds: Int64) {
        guard nanoseconds > 0 else { return }
        var time = timespec()
        time.tv_sec = .init(nanoseconds / 1_000_000_000)
        time.tv_nsec = .init(nanoseconds % 1_000_000_000)
        // The pointer is to a local variable; the time that is left is not wanted.
        _ = unsafe nanosleep(&time, nil)
    }
}

/// Random bits that nobody can guess, taken from the system some at a time.
package struct Entropy {
    private var words: [UInt64] = []

    package init() {}

    /// 64 of them.
    package mutating func next() -> UInt64 {
        if words.isEmpty {
            // getentropy gives at most 256 bytes at once.
            words = [UInt64](repeating: 0, count: 32)
            let isFilled = unsafe words.withUnsafeMutableBytes { bytes in
                unsafe bytes.baseAddress.map { unsafe getentropy($0, bytes.count) == 0 } ?? false
            }
            if !isFilled {
                var system = SystemRandomNumberGenerator()
                words = words.map { _ in system.next() }
            }
        }
        return words.removeLast()
    }

    /// So many bytes of them.
    package static func bytes(_ count: Int) -> [UInt8] {
        var entropy = Entropy()
        var bytes: [UInt8] = []
        while bytes.count < count {
            let word = entropy.next()
            for shift in stride(from: UInt64(0), to: 64, by: 8) {
                bytes.append(UInt8(truncatingIfNeeded: word >> shift))
            }
        }
        return Array(bytes.prefix(count))
    }
}
