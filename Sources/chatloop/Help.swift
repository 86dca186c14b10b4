/// What `--help` prints.
enum Help {
    static let overview = """
        usage: chatloop [COMMAND] [options]

          chatloop [serve]        serve the chat page and the chat on one port
          chatloop talk URL       join a chat from the terminal
          chatloop token NAME     make a token with which a program may post
          chatloop bench MODE URL load a running chat, and report speed, latency and correctness
          chatloop import         bring a data folder into a cluster
          chatloop operator       print a link that makes whoever opens it an operator
          chatloop replay FILE    run a recording again and verify what came out
          chatloop deploy WAY     print the files to run it by: systemd, container, caddy or nginx
          chatloop --version      print the version

        Each command explains itself: chatloop COMMAND --help

        """

    /// By command.
    static let pages = [
        "serve": serve, "talk": talk, "token": token, "bench": bench, "operator": operators, "replay": replay,
        "import": imports,
        "deploy": deploy,
    ]

    private static let serve = """
        usage: chatloop [serve] [options]

        Serves the chat page and the chat on one port, until SIGINT or SIGTERM.

          --host ADDRESS         address or name to bind; all addresses of a name; :: is IPv4, too ($HOST, else 127.0.0.1)
          --port N               TCP port; 0 takes one that is free ($PORT, else 8080)
          --public DIR           serve the page from this folder instead of the one built in
          --watch                tell open pages to reload when a file under --public changes
          --data DIR             where each room's history is kept (.chatloop)
          --ephemeral            keep nothing on disk; a link for an operator is printed to standard error
          --keep-days N          days for which a room's history is kept (for ever)
          --keep-bytes N         bytes of it that are kept of a room (all)
          --rooms NAME,...       only these rooms exist (any)
          --max-rooms N          rooms that have a file (10000)
          --pairing              strangers can be brought together, two by two, at /pair
          --password-file FILE   whoever joins must give the first line of this file; read again on SIGHUP
          --tls-cert FILE, --tls-key FILE
                                 PEM files: the port speaks TLS; read again on SIGHUP and when they change
          --cluster URL          several nodes serve the same rooms through this Redis or Valkey ($CHATLOOP_CLUSTER):
                                 redis://[[USER]:PASSWORD@]HOST[:PORT][/DB], rediss://..., unix:PATH
          --node NAME            this node's name (host name and process id)
          --reuse-port           several processes on this machine share the port; only with --cluster
          --fsync always|everysecond|never
                                 when the history reaches the disk itself (everysecond)
          --tick-rate HZ         at most so many ticks a second, from 0.2 on; 0: when there is work (0)
          --poller epoll|poll    the readiness call (epoll on Linux, else poll)
          --max-connections N    open connections in all (what the descriptor limit allows)
          --max-connections-per-address N
                                 from one client address; 0: no limit (0)
          --max-message BYTES    largest message (65536)
          --max-queue BYTES      unsent output a connection may pile up (1048576)
          --message-rate N       messages a second of one sender in the long run; 0: no limit (10)
          --origin ORIGIN        a further web origin that may open the chat (repeatable); * is all
          --trust-proxy CIDR     take the client's address from X-Forwarded-For of these peers (repeatable)
          --ping-interval SECONDS
                                 a ping after so long without traffic; a second silence ends the connection (30)
          --metrics off|loopback|public
                                 who may read /metrics; loopback: this machine, and nobody through a proxy (off)
          --record FILE          write every tick's inputs to this file, for replay. It holds what is said,
                                 also what is deleted later. A file that is there becomes FILE.1,
                                 the next FILE.2, and so on
          --echo                 also serve a WebSocket echo at /echo
          --log-level error|info|debug
                                 what goes to standard error (info)

        SIGINT and SIGTERM tell everyone, and end it within 5 seconds; a second one ends it at once. SIGHUP has files read again
        and ends nothing, unless standard input is a terminal: then it stops, too. SIGUSR1 and SIGUSR2 do nothing.
        Exit status: 0 after a stop, 64 for a bad command line, 69 where it cannot listen, 73 where it cannot keep its data, 74
        where the disk has failed, 77 where it may not.

        """

    private static let talk = """
        usage: chatloop talk URL [options]

        Joins a chat from the terminal. URL is the page's address, a room's page, or the chat's own, with or without an
        invitation: http://127.0.0.1:8080/, https://chat.example.org/r/garden#invite=CODE, ws://127.0.0.1:8080/chat?room=garden,
        127.0.0.1:8080. A URL of - is read from the terminal, so that a code in it stands in no list of processes.

          --username NAME        the name to join with; without it you are asked, or in a pipe are a guest
          --password-file FILE   the chat's password is this file's first line
          --state FILE           keep key and session there, so that a restart comes back as itself; one for each chat
          --json                 write the protocol's messages, one JSON object a line; "past":true marks those from before
          --listen               read nothing, and stay until stopped: for a service
          --ca FILE              trust the certificates in this PEM file in place of the system's
          --insecure             take any certificate: anybody on the way can read and change what is said

        At a terminal each line is a message, and /help lists the commands. A lost connection comes back by itself, with what was
        said meanwhile; what you type until then is said when it is back.

        In a pipe each line is said as it is, and one line is written for each event: echo "build 17 is out" | chatloop talk URL
        --username bot says that, waits until it is in the history, and leaves. A name that is taken is waited for as long as the
        server keeps it for somebody who was lost. Without a terminal it gives up when there is no server for 5 seconds at
        first, and for a minute later (with --listen never).

        Exit status: 0 after leaving, 64 for a bad command line, 65 where the chat has refused some of the lines, 69 where there
        is no server or the name is taken, 74 where the output cannot be written, 76 where the server is no chat, 77 where it
        does not let you in (password, invitation, ban, certificate).

        """

    private static let bench = """
        usage: chatloop bench MODE URL [options]

        Puts a running chat under load, reads every frame of every connection, and reports speed, latency, and whether every
        message came to everyone once and in order. URL is as for talk; the load joins that room. The chat should run with
        serve --message-rate 0, and for echo with --echo.

          fanout   --senders keep --window messages each in flight; all clients hear all of them: throughput
          paced    --senders speak --rate times a second in all, on schedule: latency
          idle     --clients join and are silent: memory and idle CPU
          churn    --clients at a time connect, join and leave, as fast as they can
          echo     --clients keep --window messages each in flight on the echo path

          --clients N            connections (100)
          --senders N            those that speak (1)
          --hidden N             of the others those that ask for pace, as pages do that nobody looks at (0)
          --window N             messages that each sender keeps in flight (1)
          --rate R               messages a second of all senders together (100)
          --duration SECONDS     how long is measured (5)
          --warm-up SECONDS      how long before that it runs already (1)
          --payload BYTES        size of a message's text (64)
          --concurrency N        how many connect or join at once before the load begins (64)
          --pid PID              the server's process: shows its CPU time and memory
          --json                 one JSON object instead of lines
          --ca FILE              for https: trust the certificates in this PEM file in place of the system's
          --insecure             for https: take any certificate

        Latency is from when a message was sent (paced: due) until it was read, at up to 64 of the clients.
        Exit status: 0 where all was correct, 1 where a message was lost, doubled or out of order or a connection dropped, 64
        for a bad command line, 69 where there is no server or it refuses, 76 where whoever answers is no chat.

        """

    private static let operators = """
        usage: chatloop operator [options]

        Prints a link that makes whoever opens it first, within an hour, an operator: one who may do in all rooms what hosts do in
        theirs. An operator is known by the browser. A server that is running takes the link up by itself.

          --data DIR             the folder that the server keeps its data in (.chatloop)
          --cluster URL          the engine of the cluster, in its place ($CHATLOOP_CLUSTER)
          --url URL              the chat's address as people open it (http://127.0.0.1:8080/)
          --renew                whoever is an operator is none any more; a running server notices within two seconds

        Exit status: 0, 64 for a bad command line, 69 where the engine cannot be used, 73 where the folder cannot be written to, 77
        where it may not be.

        """

    private static let imports = """
        usage: chatloop import --data DIR --cluster URL

        Brings the rooms, the operators, bans and tokens of a data folder into a cluster that has none. No server may use the folder
        meanwhile, and none should the cluster; the folder stays as it is. Each room is printed when it is there.

          --data DIR             the folder
          --cluster URL          the engine of the cluster ($CHATLOOP_CLUSTER): see chatloop serve --help

        Exit status: 0, 64 for a bad command line, 69 where the engine cannot be used, 73 where the folder cannot be read or the
        cluster is in use, 77 where the folder may not be read.

        """

    private static let token = """
        usage: chatloop token NAME [--data DIR | --cluster URL] [--remove]
               chatloop token --list [--data DIR | --cluster URL]

        Prints a new token with which a program may post as NAME, which is nobody else's then. Older tokens of that name end.

          --data DIR             the data folder of the server (.chatloop)
          --cluster URL          the engine of the cluster, in its place ($CHATLOOP_CLUSTER)
          --remove               take the token of that name back
          --list                 print the names, and when their tokens were made

            curl -d 'build 17 is out' -H "Authorization: Bearer $TOKEN" http://127.0.0.1:8080/r/builds

        A server that runs takes all of it up with the next request. The folder holds digests of the tokens alone.
        Exit status: 0, 64 for a bad command line or a name without a token, 69 where the engine cannot be used, 73 where the folder
        cannot be written, 77 where it may not.

        """

    private static let deploy = """
        usage: chatloop deploy systemd|container|caddy|nginx

        Prints the files for that way to run it, with how to put them in place: a service and its socket for systemd, a file for a
        container, a proxy's configuration.

        """

    private static let replay = """
        usage: chatloop replay FILE

        Runs a recording (chatloop serve --record FILE) through the same update step, and verifies what came out, tick by tick.
        Exit status: 0 where all agree, 1 where a tick does not (it is named), 65 where the file is no recording, 66 where it
        cannot be read.

        """
}
