import Platform

exit(Chatloop.run(Array(CommandLine.arguments.dropFirst())))
