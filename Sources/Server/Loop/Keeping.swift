import Log

/// What is kept of what happens, and how that fares: the history, and the recording.
struct Keeping {
    /// Nil with `--ephemeral`.
    let history: Log?
    /// Whether what was last given to the disk could be kept.
    var isKeeping = true
    /// That the disk fails.
    var failureLog = LogThrottle()
    /// Nil without `--record`.
    var recorder: Recorder?
}
