/// `chatloop deploy systemd|container|caddy|nginx`: the files for a way to run it, to be kept and adapted.
///
/// They stand here and nowhere else, so that they are at hand where only the binary is; tests run what is printed.
enum DeployCommand {
    enum Way: String, CaseIterable { case systemd, container, caddy, nginx }

    static func parse(_ arguments: [String]) throws(UsageError) -> Way {
        let what = Way.allCases.map(\.rawValue).joined(separator: ", ")
        var reader = ArgumentReader(arguments)
        var way: Way?
        while let argument = try reader.next() {
            guard case .positional(let text) = argument else { throw reader.unknown() }
            guard way == nil else { throw UsageError(message: "deploy takes one of \(what), not also \"\(text)\"") }
            way = Way(rawValue: text)
            if way == nil { throw UsageError(message: "deploy takes one of \(what), not \"\(text)\"") }
        }
        guard let way else { throw UsageError(message: "deploy takes one of \(what)") }
        return way
    }

    static func run(_ way: Way) -> Int32 {
        switch way {
        case .systemd: Output.standard(systemd)
        case .container: Output.standard(container)
        case .caddy: Output.standard(caddy)
        case .nginx: Output.standard(nginx)
        }
        return 0
    }

    private static let systemd = """
        # Three files, each from its name on. With chatloop in /usr/local/bin, this puts them in place and starts it:
        #
        #     chatloop deploy systemd | sudo awk '/^# \\/etc\\// { file = $2 } file { print >file }'
        #     sudo systemctl daemon-reload && sudo systemctl enable --now chatloop.socket chatloop.service
        #
        # The socket is systemd's: while the service is started anew, whoever connects waits instead of being refused.

        # /etc/systemd/system/chatloop.socket
        [Unit]
        Description=Chatloop, a group chat: the socket

        [Socket]
        # Behind a proxy. Without one: ListenStream=443, and TLS for the service.
        ListenStream=127.0.0.1:8080
        Backlog=4096

        [Install]
        WantedBy=sockets.target

        # /etc/systemd/system/chatloop.service
        [Unit]
        Description=Chatloop, a group chat
        Requires=chatloop.socket
        After=chatloop.socket network.target
        StartLimitIntervalSec=0

        [Service]
        Type=notify
        ExecStart=/usr/local/bin/chatloop serve --data /var/lib/chatloop --trust-proxy 127.0.0.1
        ExecReload=/bin/kill -HUP $MAINPID
        Restart=always
        RestartSec=1
        # A wrong command line, a folder that cannot be used: the same again would not help.
        RestartPreventExitStatus=64 73 77
        TimeoutStopSec=10
        LimitNOFILE=100000

        # Its history lies in /var/lib/chatloop, and nothing else of the machine is its business.
        StateDirectory=chatloop
        StateDirectoryMode=0700
        \(sandbox)

        [Install]
        WantedBy=multi-user.target

        # /etc/systemd/system/chatloop@.service
        # In place of the two above: one process for each core, all of them nodes of a cluster. /etc/chatloop.env has the line
        # CHATLOOP_CLUSTER=unix:/run/redis/redis.sock (or another engine's address). For two of them:
        #
        #     sudo systemctl enable --now chatloop@1.service chatloop@2.service
        [Unit]
        Description=Chatloop, a group chat: node %i
        After=network.target redis-server.service
        StartLimitIntervalSec=0

        [Service]
        Type=notify
        EnvironmentFile=/etc/chatloop.env
        ExecStart=/usr/local/bin/chatloop serve --reuse-port --node %H-%i --keep-days 365 --trust-proxy 127.0.0.1
        ExecReload=/bin/kill -HUP $MAINPID
        Restart=always
        RestartSec=1
        RestartPreventExitStatus=64 77
        TimeoutStopSec=10
        LimitNOFILE=100000
        # Where the engine's socket is of a group: SupplementaryGroups=redis
        \(sandbox)

        [Install]
        WantedBy=multi-user.target

        """

    /// What a unit may not do.
    private static let sandbox = """
        DynamicUser=yes
        UMask=0077
        CapabilityBoundingSet=
        AmbientCapabilities=
        NoNewPrivileges=yes
        LockPersonality=yes
        MemoryDenyWriteExecute=yes
        PrivateDevices=yes
        PrivateTmp=yes
        PrivateUsers=yes
        ProtectClock=yes
        ProtectControlGroups=yes
        ProtectHome=yes
        ProtectHostname=yes
        ProtectKernelLogs=yes
        ProtectKernelModules=yes
        ProtectKernelTunables=yes
        ProtectProc=invisible
        ProtectSystem=strict
        RemoveIPC=yes
        RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
        RestrictNamespaces=yes
        RestrictRealtime=yes
        RestrictSUIDSGID=yes
        SystemCallArchitectures=native
        SystemCallErrorNumber=EPERM
        SystemCallFilter=@system-service
        SystemCallFilter=~@privileged @resources
        """

    private static let container = """
        # A container of the binary that lies beside this file: of a build with --static-swift-stdlib, which beside the C library and
        # zlib needs libgcc and libstdc++ (this image has all of them), or of .ci/static, which does not. Build it on a system
        # that is not newer than the image.
        #
        #     docker build -t chatloop . && docker run -d --name chatloop -p 8080:8080 -v chatloop:/data --read-only \\
        #         --cap-drop ALL --security-opt no-new-privileges --stop-timeout 10 chatloop
        #
        # Behind a proxy, with --trust-proxy and the proxy's address as it is seen from the container.
        FROM debian:stable-slim
        COPY --chmod=755 chatloop /usr/local/bin/chatloop
        RUN mkdir -m 700 /data && chown 10001:10001 /data
        USER 10001:10001
        VOLUME /data
        EXPOSE 8080
        STOPSIGNAL SIGTERM
        ENTRYPOINT ["/usr/local/bin/chatloop", "serve", "--host", "0.0.0.0", "--data", "/data"]

        """

    private static let caddy = """
        # For a Caddyfile. Caddy gets the certificate by itself. Start the chat with
        #
        #     chatloop serve --trust-proxy 127.0.0.1
        #
        # To serve it below a path, such as https://chat.example.org/talk/, take the lines that are commented out in place of the
        # first reverse_proxy.
        chat.example.org {
            reverse_proxy 127.0.0.1:8080
            # redir /talk /talk/
            # handle_path /talk/* {
            #     reverse_proxy 127.0.0.1:8080
            # }
        }

        """

    private static let nginx = """
        # For /etc/nginx/conf.d/chatloop.conf. Start the chat with
        #
        #     chatloop serve --trust-proxy 127.0.0.1
        #
        # To serve it below a path, such as https://chat.example.org/talk/, take the lines that are commented out in place of
        # those above each.
        map $http_upgrade $connection_upgrade {
            default upgrade;
            "" close;
        }

        server {
            listen 443 ssl;
            listen [::]:443 ssl;
            server_name chat.example.org;
            ssl_certificate     /etc/ssl/chat.pem;
            ssl_certificate_key /etc/ssl/chat.key;

            location / {
            # location /talk/ {
                proxy_pass http://127.0.0.1:8080;
                # proxy_pass http://127.0.0.1:8080/;
                proxy_http_version 1.1;
                # The page's own origin is told by this.
                proxy_set_header Host $http_host;
                proxy_set_header Upgrade $http_upgrade;
                proxy_set_header Connection $connection_upgrade;
                proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
                # Longer than two ping intervals.
                proxy_read_timeout 75s;
                proxy_send_timeout 75s;
            }
        }

        """
}
