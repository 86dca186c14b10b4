import History

/// The history, and when it needs what.
struct Keeping {
    /// Nil with `--ephemeral`.
    let history: History?
    /// The size at which the journal is written anew.
    var journalLimit: Int64
    /// When that may be done at the earliest (ms).
    var nextJournal: Int64 = .min
    /// Whether what was last given to the disk could be kept.
    var isKeeping = true
    /// That the disk fails.
    var failureLog = LogThrottle()
}
