import Platform
import Sockets

extension ServeOptions {
    /// Opens the sockets on which the server is reached: those that a service manager has opened, or one for each address of
    /// `host`.
    func openListeners() throws(StartFailure) -> [Listener] {
        do throws(SystemError) {
            let inherited = try ServiceManager.inheritedListeners()
            if !inherited.isEmpty { return inherited }
        } catch {
            throw StartFailure(
                .unavailable,
                "Cannot \(error). Chatloop takes listening TCP sockets: in a systemd socket unit, a "
                    + "ListenStream= with a port or an address and a port, and Accept=no.")
        }
        let addresses: [SocketAddress]
        do throws(SystemError) {
            addresses = try SocketAddress.resolve(host: host, port: port)
        } catch {
            throw StartFailure(
                .unavailable, "Cannot \(error). \(hostSource) takes an address of this machine, or a name that has one."
            )
        }
        do throws(SystemError) {
            return try Listener.open(addresses, sharesPort: reusesPort)
        } catch {
            throw StartFailure(error.isPermission ? .noPermission : .unavailable, "Cannot \(error). \(advice(error))")
        }
    }

    private func advice(_ error: SystemError) -> String {
        if error.isAddressInUse {
            return
                "Another program listens there: stop it, or choose another port with --port (0 takes one that is free)."
        }
        if error.isAddressUnavailable {
            return "\(hostSource) takes an address of this machine, or a name that has one."
        }
        if error.isPermission, port > 0, port < 1024 {
            return "Ports below 1024 need a privilege: choose another with --port, or have systemd open it "
                + "(chatloop deploy systemd)."
        }
        return "Choose another with --host and --port."
    }
}
