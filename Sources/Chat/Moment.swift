/// A tick's time, on both clocks.
package struct Moment: Sendable {
    /// Milliseconds of a clock that never goes back. Where it starts does not matter.
    package var now: Int64
    /// Milliseconds since the Unix epoch. It may jump.
    package var time: Int64

    package init(now: Int64 = 0, time: Int64 = 0) {
        self.now = now
        self.time = time
    }
}
