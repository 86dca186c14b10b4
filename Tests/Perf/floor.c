// floor: the least that a group chat over WebSocket can cost on this kernel with send(2). A yardstick, and no chat server.
//
//     cc -O2 -o floor Tests/Perf/floor.c && PORT=8080 ./floor
//
// It does the socket work and nothing else: no JSON is parsed and nothing is checked. What came in during one epoll_wait(2)
// becomes one buffer of frames, which every member gets by one send(2). For `chatloop bench` in every mode: /chat and /echo.

#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

struct bytes { char *at; size_t count, room; };

static struct client {
    bool open, echoes, dead, listed;
    int member;          // its place among the members, and one; 0 is none
    size_t from;         // where what is for it begins in this turn's news
    struct bytes rest;   // a frame that has come in part
    struct bytes own;    // what only it gets, and what its socket did not take
} *clients;              // by descriptor

static struct bytes news;
static int poller, listener, *members, member_count, *listed, listed_count;

static void add(struct bytes *to, const void *what, size_t count) {
    if (to->count + count > to->room) to->at = realloc(to->at, to->room = 2 * (to->count + count));
    if (!to->at) abort();
    memcpy(to->at + to->count, what, count);
    to->count += count;
}

static void list(int fd) {
    if (!clients[fd].listed) listed[listed_count++] = fd;
    clients[fd].listed = true;
}

static void frame(struct bytes *to, int opcode, const char *a, const char *b, size_t count, const char *c) {
    size_t size = strlen(a) + count + strlen(c);
    unsigned char head[4] = {128 | opcode, size < 126 ? size : 126, size >> 8, size};
    add(to, head, size < 126 ? 2 : 4);
    add(to, a, strlen(a));
    add(to, b, count);
    add(to, c, strlen(c));
}

// The handshake's answer to a key (RFC 6455 section 4.2.2): SHA-1 of 60 bytes, in base64.
static void answer(const char *key, char text[29]) {
    unsigned char block[128] = {0}, digest[21] = {0};
    uint32_t h[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0}, w[80];
    memcpy(block, key, 24);
    memcpy(block + 24, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11", 36);
    block[60] = 128, block[126] = 60 * 8 >> 8, block[127] = 60 * 8 & 255;
    for (int part = 0; part < 128; part += 64) {
        uint32_t a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
        for (int i = 0; i < 80; i++) {
            uint32_t x = i < 16 ? 0 : w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16];
            const unsigned char *p = block + part + 4 * (i & 15);
            w[i] = i < 16 ? (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3] : x << 1 | x >> 31;
            uint32_t f = i < 20 ? (b & c | ~b & d) + 0x5a827999 : i < 40 ? (b ^ c ^ d) + 0x6ed9eba1
                       : i < 60 ? (b & c | b & d | c & d) + 0x8f1bbcdc : (b ^ c ^ d) + 0xca62c1d6;
            uint32_t next = (a << 5 | a >> 27) + f + e + w[i];
            e = d, d = c, c = b << 30 | b >> 2, b = a, a = next;
        }
        h[0] += a, h[1] += b, h[2] += c, h[3] += d, h[4] += e;
    }
    for (int i = 0; i < 20; i++) digest[i] = h[i / 4] >> (24 - 8 * (i % 4));
    for (int i = 0; i < 28; i++) {
        unsigned char *three = digest + i / 4 * 3;
        text[i] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
            [(three[0] << 16 | three[1] << 8 | three[2]) >> (18 - 6 * (i % 4)) & 63];
    }
    text[27] = '=', text[28] = 0;
}

static size_t upgrade(int fd, const char *request, size_t count) {
    struct client *c = &clients[fd];
    const char *end = memmem(request, count, "\r\n\r\n", 4);
    const char *key = memmem(request, count, "Sec-WebSocket-Key: ", 19);
    if (!end || !key || key > end) return 0;
    char text[29];
    answer(key + 19, text);
    char head[256];
    int size = snprintf(head, sizeof head, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Protocol: chatloop.v1\r\nSec-WebSocket-Accept: %s\r\n\r\n", text);
    add(&c->own, head, size);
    c->open = true;
    c->echoes = !memcmp(request, "GET /echo", 9);
    list(fd);
    return end + 4 - request;
}

static void leave(int fd) {
    struct client *c = &clients[fd];
    c->dead = true;
    list(fd);
    if (!c->member) return;
    members[c->member - 1] = members[--member_count];
    clients[members[member_count]].member = c->member;
    c->member = 0;
    frame(&news, 1, "{\"type\":\"leave\",\"seq\":123456,\"time\":1700000000000,\"username\":\"bench-0000-1000\"}", "", 0, "");
}

// A message of the load's, which is as the load makes it: its text begins and ends in known places.
static void message(int fd, const char *text, size_t count) {
    struct client *c = &clients[fd];
    const char *name = c->member ? 0 : memmem(text, count, "\"username\":\"", 12);
    if (c->echoes) {
        frame(&c->own, 1, "", text, count, "");
        list(fd);
    } else if (name) {
        frame(&c->own, 1, "{\"type\":\"welcome\",\"username\":\"bench\",\"room\":\"lobby\",\"userCount\":1000}", "", 0, "");
        list(fd);
        c->from = news.count;
        members[member_count++] = fd;
        c->member = member_count;
        frame(&news, 1, "{\"type\":\"join\",\"seq\":123456,\"time\":1700000000000,", name, text + count - name, "");
    } else if (count > 32) {  // anything shorter says that nobody looks at it, which is nothing to floor
        frame(&news, 1, "{\"type\":\"message\",\"seq\":123456,\"time\":1700000000000,\"username\":\"bench\",\"text\":\"",
              text + 26, count - 26, "");
    }
}

static size_t frames(int fd, char *bytes, size_t count) {
    size_t used = 0;
    while (count - used >= 6 && !clients[fd].dead) {
        unsigned char *at = (unsigned char *)bytes + used;
        size_t length = at[1] & 127, head = length == 126 ? 8 : 6;
        if (length == 127) return leave(fd), count;
        if (length == 126) length = at[2] << 8 | at[3];
        if (count - used < head + length) break;
        for (size_t i = 0; i < length; i++) at[head + i] ^= at[head - 4 + (i & 3)];
        if ((at[0] & 15) == 8) {
            frame(&clients[fd].own, 8, "", (char *)at + head, length < 2 ? 0 : 2, "");
            leave(fd);
        } else if ((at[0] & 15) == 9) {
            frame(&clients[fd].own, 10, "", (char *)at + head, length, "");
            list(fd);
        } else {
            message(fd, (char *)at + head, length);
        }
        used += head + length;
    }
    return used;
}

static void receive(int fd) {
    static char inbox[1 << 17];
    enum { most = 1 << 16 };
    struct client *c = &clients[fd];
    while (!c->dead) {
        memcpy(inbox, c->rest.at ? c->rest.at : inbox, c->rest.count);
        ssize_t got = recv(fd, inbox + c->rest.count, most, 0);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (got <= 0) return leave(fd);
        size_t count = c->rest.count + got, used = c->open ? 0 : upgrade(fd, inbox, count);
        if (c->open) used += frames(fd, inbox + used, count - used);
        free(c->rest.at);
        c->rest = (struct bytes){0};
        if (count - used > most) return leave(fd);
        if (used < count) add(&c->rest, inbox + used, count - used);
        if (got < most) return;
    }
}

// Sends what a client has of its own and then `more`, in one call; what its socket does not take is kept.
static void deliver(int fd, const char *more, size_t count) {
    struct client *c = &clients[fd];
    if (c->own.count) {
        add(&c->own, more, count);
        more = c->own.at, count = c->own.count;
    }
    ssize_t sent = count ? send(fd, more, count, MSG_NOSIGNAL) : 0;
    size_t done = sent > 0 ? sent : 0;
    struct bytes left = {0};
    if (done < count) add(&left, more + done, count - done);
    free(c->own.at);
    c->own = left;
}

int main(void) {
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max = limit.rlim_max < 1 << 17 ? limit.rlim_max : 1 << 17;
    setrlimit(RLIMIT_NOFILE, &limit);
    clients = calloc(limit.rlim_cur, sizeof *clients);
    members = calloc(limit.rlim_cur, sizeof *members);
    listed = calloc(limit.rlim_cur, sizeof *listed);
    signal(SIGPIPE, SIG_IGN);
    const char *port = getenv("PORT");
    struct sockaddr_in place = {.sin_family = AF_INET, .sin_port = htons(port ? atoi(port) : 8080),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (bind(listener, (struct sockaddr *)&place, sizeof place) || listen(listener, 4096)) return perror("floor"), 1;
    poller = epoll_create1(0);
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &(struct epoll_event){.events = EPOLLIN, .data.fd = listener});
    for (;;) {
        struct epoll_event events[1024];
        int count = epoll_wait(poller, events, 1024, -1);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd != listener) {
                if (clients[fd].own.count) list(fd);
                if (events[i].events & ~EPOLLOUT) receive(fd);
                continue;
            }
            while ((fd = accept4(listener, 0, 0, SOCK_NONBLOCK)) >= 0) {
                setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
                clients[fd] = (struct client){0};
                epoll_ctl(poller, EPOLL_CTL_ADD, fd, &(struct epoll_event){
                    .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.fd = fd});
            }
        }
        for (int i = 0; news.count && i < member_count; i++) {
            struct client *c = &clients[members[i]];
            deliver(members[i], news.at + c->from, news.count - c->from);
            c->from = 0;
        }
        for (int i = 0; i < listed_count; i++) {
            struct client *c = &clients[listed[i]];
            c->listed = false;
            if (c->own.count) deliver(listed[i], "", 0);
            if (!c->dead) continue;
            free(c->own.at);
            free(c->rest.at);
            close(listed[i]);
        }
        news.count = listed_count = 0;
    }
}
