// What Swift's Glibc and Darwin modules do not bring: zlib everywhere, and on Linux epoll and accept4().
#ifndef CHATLOOP_SYSTEM_H
#define CHATLOOP_SYSTEM_H

#include <zlib.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif

#ifdef __linux__
#include <sys/epoll.h>
#include <sys/socket.h>

// Declared here because <sys/socket.h> shows it with _GNU_SOURCE only, which would turn every sockaddr parameter into a
// union that Swift imports awkwardly.
int accept4(int descriptor, struct sockaddr *address, socklen_t *length, int flags);
#endif

#endif
