import Log

/// The history, and how it fares.
struct Keeping {
    /// Nil with `--ephemeral`.
    let history: Log?
    /// Whether what was last given to the disk could be kept.
    var isKeeping = true
    /// That the disk fails.
    var failureLog = LogThrottle()
}
