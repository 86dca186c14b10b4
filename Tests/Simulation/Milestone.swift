/// What a soak must have met at least once: a world in which one of these never happens is blind to what goes wrong with it.
package enum Milestone: String, CaseIterable, Sendable, Comparable {
    /// Somebody came back with a session: in the grace period, with the first connection still open at the server, after
    /// another process had loaded the room, after a power cut.
    case resumeInGrace, takeover, resumeAfterRestart, resumeAfterPowerCut
    /// Somebody came back and was told what was missed; was told of a gap; came back too late, as a stranger.
    case missedEvents, gap, resumeInVain
    /// Something was said again under an `id` that had been used; that had been used before the server began; whose message
    /// is not to be had any more.
    case repeatedID, repeatedIDAfterRestart, done
    case page
    /// Refusals.
    case storageFailed, rateLimited, nameTaken
    /// Ends that the server tells: it stops; it is full, or somebody reads too slowly.
    case sentAwayAtStop, sentAwayWhenFull
    case leave
    /// Of the disk: events that were seen were lost in a power cut; half of a line was set aside; a room has several segments.
    case eventsLost, halfWrittenLine, severalSegments
    /// Of hosts: a ban kept somebody out, and lapsed while they were away; somebody was put out, was muted, had no
    /// right to what they asked for, or stood before a locked door.
    case putOut, keptOutByBan, banLapsed, keptOutByLock, muted, notAllowed
    /// Something was aimed at a message that was deleted; deleted texts were looked for, and were in no file; the server was
    /// ended before it had taken them out of its files.
    case targetGone, erased, erasureCutOff
    /// The server ended by itself because a sync had failed.
    case failedSync

    package static func < (left: Milestone, right: Milestone) -> Bool { left.rawValue < right.rawValue }
}
