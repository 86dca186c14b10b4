#if os(Linux)
    import Foundation
    import Support
    import Testing

    /// What the kernel says so seldom that it has to be put into its mouth: strace exchanges the results of some of the real
    /// server's system calls. (What the kernel itself can be brought to say is in `FaultTests`.)
    @Suite(
        .ownThreads,
        .enabled(if: Strace.mayTrace, "skipped: there is no strace here, or it may not trace a process"))
    struct InjectedFaultTests {
        /// Which call fails how, and which of the calls: the first number and the step, as strace has it.
        struct Fault: CustomTestStringConvertible, Sendable {
            var call: String
            var error: String
            var when: String
            /// What counts it.
            var metric: String?
            var testDescription: String { "\(call): \(error)" }
        }

        private static let refused = "accept_failures_total{reason=\"aborted\"}"
        private static let exhausted = "accept_failures_total{reason=\"exhausted\"}"

        /// Two chat, others come and go, and every few calls one fails: nobody notices.
        @Test(
            arguments: [
                Fault(call: "accept,accept4", error: "ECONNABORTED", when: "1+3", metric: refused),
                Fault(call: "accept,accept4", error: "EINTR", when: "1+3", metric: refused),
                Fault(call: "accept,accept4", error: "ENFILE", when: "2+9", metric: exhausted),
                Fault(call: "accept,accept4", error: "ENOBUFS", when: "2+9", metric: exhausted),
                Fault(call: "sendto", error: "ENOBUFS", when: "2+3", metric: "send_failures_total"),
                Fault(call: "sendto", error: "ENOMEM", when: "2+3", metric: "send_failures_total"),
                Fault(call: "sendto", error: "EINTR", when: "1+2", metric: nil),
                Fault(call: "recvfrom", error: "EINTR", when: "1+2", metric: nil),
                // Every third: a wait that fails is followed by one that does not wait, and then one has to succeed.
                Fault(call: "epoll_wait,epoll_pwait,poll,ppoll", error: "EINTR", when: "5+3", metric: nil),
                Fault(call: "write,fsync", error: "EINTR", when: "1+2", metric: nil),
            ], PollerChoice.allCases)
        func nobodyNotices(fault: Fault, poller: PollerChoice) throws {
            let folder = try TemporaryFolder()
            let trace = Strace(fault.call, fault.error, when: fault.when, in: folder)
            let server = try LiveServer(
                options: ["--data", "\(folder.path)/data", "--fsync", "always", "--message-rate", "0"], poller: poller,
                environment: Strace.environment, under: trace.command)
            let ada = try TestClient(server, as: "Ada")
            let bo = try TestClient(server, as: "Bo")
            _ = try ada.expect("join", of: "Bo")
            // Bo says nothing: that he is told in spite of a failure is not because something has come from him.
            for index in 0..<30 {
                try ada.say("\(index)")
                #expect(try bo.expect("message").said == "\(index)")
                #expect(try ada.expect("message").said == "\(index)")
                if index % 3 == 0 { #expect(try server.request("GET", "/healthz").text == "ok") }
            }
            if let metric = fault.metric { #expect(try server.metric(metric) > 0) }
            // Counted: some 30 messages, 3 beginnings and 10 requests, a few ticks each, syncs and retries included.
            #expect(try server.metric("ticks_total") < 1000)
            #expect(try server.metric("losses_total{reason=\"reset\"}") == 0)
            server.child.signal(SIGTERM)
            #expect(try ada.expectClose().code == 1001)
            #expect(try bo.expectClose().code == 1001)
            #expect(try server.child.wait() == .exited(0))
            #expect(try trace.injections() > 3)
        }

        /// A call that is refused each time without taking anything out of the queue (a firewall, a sandbox) is not tried without
        /// end.
        @Test(arguments: PollerChoice.allCases)
        func accept_refusedAgainAndAgain_pauses(poller: PollerChoice) throws {
            let folder = try TemporaryFolder()
            let trace = Strace("accept,accept4", "EPERM", when: "1..96", in: folder)
            let server = try LiveServer(
                options: [], poller: poller, environment: Strace.environment, under: trace.command)
            let start = Deadline.now
            #expect(try server.request("GET", "/healthz").text == "ok")
            // Three rounds, with half a second after each.
            #expect(Deadline.now - start > 1.4)
            #expect(try server.metric("ticks_total") < 50)
            #expect(try server.metric(Self.refused) == 96)
            try server.stop()
        }

        /// While there is no memory to send with for a longer time, the server tries again now and then, and what was to be
        /// said is said in the end, once, and in its order.
        @Test(arguments: PollerChoice.allCases)
        func withoutMemoryToSendWithItWaitsAndLosesNothing(poller: PollerChoice) throws {
            let folder = try TemporaryFolder()
            // Twenty in a row fail, after those that the two need to join.
            let trace = Strace("sendto", "ENOBUFS", when: "8..27", in: folder)
            let server = try LiveServer(
                options: ["--message-rate", "0"], poller: poller, environment: Strace.environment,
                under: trace.command)
            let ada = try TestClient(server, as: "Ada")
            let bo = try TestClient(server, as: "Bo")
            _ = try ada.expect("join", of: "Bo")
            let start = Deadline.now
            for index in 0..<30 {
                try ada.say("\(index)")
                #expect(try bo.expect("message").said == "\(index)")
                #expect(try ada.expect("message").said == "\(index)")
            }
            // One after the other, whenever it is told that the sockets are writable, they would be over at once.
            #expect(Deadline.now - start > 0.2)
            #expect(try server.metric("send_failures_total") == 20)
            server.child.signal(SIGTERM)
            #expect(try ada.expectClose().code == 1001)
            #expect(try bo.expectClose().code == 1001)
            #expect(try server.child.wait() == .exited(0))
            #expect(try trace.injections() == 20)
        }
    }

    /// The program that exchanges the results of system calls.
    private struct Strace {
        private let log: String
        /// What is put before the command.
        let command: [String]

        /// LeakSanitizer, in a server that has it, traces its own process and cannot where somebody else does.
        static let environment = ["ASAN_OPTIONS": "detect_leaks=0"]

        private static let path = ["/usr/bin/strace", "/usr/local/bin/strace"].first {
            FileManager.default.isExecutableFile(atPath: $0)
        }

        static let mayTrace: Bool = {
            guard let path else { return false }
            let child = try? Child(path, ["-f", "-e", "inject=getppid:error=EPERM", "/bin/sh", "-c", "exit 3"])
            return (try? child?.wait()) == .exited(3)
        }()

        /// - Parameter calls: their names, with commas between.
        init(_ calls: String, _ error: String, when: String, in folder: TemporaryFolder) {
            log = "\(folder.path)/strace"
            // With -D the server is the process that is started, and strace is beside it.
            command = [
                Self.path ?? "", "-D", "-f", "-o", log, "-e", "trace=\(calls)", "-e", "signal=none",
                "-e", "inject=\(calls):error=\(error):when=\(when)",
            ]
        }

        /// How many results it has exchanged. It writes after the call, so they are all there once the server has ended.
        func injections() throws -> Int {
            try String(contentsOfFile: log, encoding: .utf8).components(separatedBy: "(INJECTED)").count - 1
        }
    }
#endif
