/// Why a connection is closed (RFC 6455, section 7.4, and the IANA registry it founds).
package struct CloseCode: RawRepresentable, Hashable, Sendable {
    package var rawValue: UInt16

    package init(rawValue: UInt16) { self.rawValue = rawValue }

    package static let normal = CloseCode(rawValue: 1000)
    package static let goingAway = CloseCode(rawValue: 1001)
    package static let protocolError = CloseCode(rawValue: 1002)
    package static let unsupportedData = CloseCode(rawValue: 1003)
    /// Stands for a close frame without a code; never in a frame.
    package static let noStatus = CloseCode(rawValue: 1005)
    /// Stands for a connection that ended without a close frame; never in a frame.
    package static let abnormal = CloseCode(rawValue: 1006)
    package static let invalidPayload = CloseCode(rawValue: 1007)
    package static let policyViolation = CloseCode(rawValue: 1008)
    package static let messageTooBig = CloseCode(rawValue: 1009)
    package static let serviceRestart = CloseCode(rawValue: 1012)
    package static let tryAgainLater = CloseCode(rawValue: 1013)
    /// Chatloop's own: the same session has joined over another connection.
    package static let takenOver = CloseCode(rawValue: 4001)
    /// Chatloop's own: a host or an operator has put this person out.
    package static let putOut = CloseCode(rawValue: 4003)

    /// Whether a close frame may carry this code: those that RFC 6455 and the registry define for the wire, and the ranges
    /// for libraries (3000–3999) and for private use (4000–4999).
    package var mayBeSent: Bool {
        switch rawValue {
        case 1000...1003, 1007...1014, 3000...4999: true
        default: false
        }
    }
}
