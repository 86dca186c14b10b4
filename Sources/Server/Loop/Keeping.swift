import Chat
import Log

/// What is kept of what happens, and how that fares: the history, and the recording.
struct Keeping {
    /// Nil with `--ephemeral`.
    let history: Log?
    /// Whether what was last given to the disk could be kept.
    var isKeeping = true
    /// Whether too little space is free to go on, and when to look again (ms).
    var isShort = false
    var nextLook: Int64 = .min
    /// The link for operators, as it was found last.
    var link: OperatorLink?
    /// When to look whether there is one that ends all operators (ms).
    var nextLinkLook: Int64 = .min
    /// That the disk fails.
    var failureLog = LogThrottle()
    /// Nil without `--record`.
    var recorder: Recorder?
}
