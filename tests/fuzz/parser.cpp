// SPDX-License-Identifier: MIT
// Feeds the NBD frontend with one connection's bytes in any order of events, and checks what comes out against a model.
//
// The generated C++ of frontends/nbd.pyx is part of this file, so what runs is what the engine runs; a plain memory
// stands for a store and its copies, whose ends the sanitizer watches. An input is a seed for the order of events, then
// requests of 28 bytes; the payload of a write follows by itself. Every reply has to be the one that the model says, none
// may be missing, every byte that is read has to be one that may be there by then, and the connection has to end.
#include FRONTEND

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <set>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

#define PATH(name) __pyx_f_12vramswap_gui_6server_6engine_9frontends_3nbd_##name
#define NUMBER(name) __pyx_e_12vramswap_gui_6server_6engine_9frontends_3nbd_##name
using Connection = struct __pyx_t_12vramswap_gui_6server_6engine_9frontends_3nbd_NbdConnection;
using IoRequest = struct __pyx_t_12vramswap_gui_6server_6engine_7request_IoRequest;
using Store = struct __pyx_t_12vramswap_gui_6server_6engine_7request_Store;
using Queue = struct __pyx_t_12vramswap_gui_6server_6engine_7request_Queue;

namespace {

constexpr size_t REQUEST = 28, REPLY = 16, VRAM = 640 << 10, LARGEST = 32 << 20, MOST = 400;
constexpr size_t SECTOR = 512, DEPTH = 128, FAILED = 5;
constexpr int OUT = 0, LANES = 2;

[[noreturn]] void wrong(const char *what) {
    fprintf(stderr, "WRONG: %s\n", what);
    abort();
}

struct Random {
    uint64_t state;
    uint32_t operator()(uint32_t below) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        return uint32_t(state >> 33) % below;
    }
};

/// What a sector may hold: what was there first, what every write to it brings, or zeroes. Bits, for any of them may do.
enum : uint8_t { FIRST = 1, WRITTEN = 2, ZEROED = 4 };

uint8_t byte_of(uint8_t kind, size_t place) {
    return kind == ZEROED ? 0 : uint8_t((place * 2654435761u >> 13 | 1) ^ (kind == FIRST ? 0x80 : 0));
}

uint8_t *vram;

/// All of VRAM as one kind.
const uint8_t *pattern(uint8_t kind) {
    static std::vector<uint8_t> made[ZEROED + 1];
    if (made[kind].empty())
        for (size_t i = 0; i < VRAM; i++)
            made[kind].push_back(byte_of(kind, i));
    return made[kind].data();
}

uint64_t big_endian(const uint8_t *bytes, int count) {
    uint64_t value = 0;
    for (int i = 0; i < count; i++)
        value = value << 8 | bytes[i];
    return value;
}

struct Expected {
    uint64_t command;
    uint32_t error;
    size_t begins; // in what is sent
    size_t offset, length;
    bool changes() const { return !error && length && (command == 1 || command == 4 || command == 6); }
    bool reads() const { return !error && command == 0; }
};

/// What a client sends, and what has to come back, as the protocol has it (the NBD project's doc/proto.md).
struct Model {
    std::vector<uint8_t> wire;
    std::vector<Expected> replies; // the cookie is the number in here
    bool ends = false;             // the server closes by itself
    bool truncated = false;

    Model(const uint8_t *data, size_t size) {
        for (size_t n = 0; size >= REQUEST && n < MOST && !ends; n++, data += REQUEST, size -= REQUEST)
            request(data);
        if (!ends && size)
            wire.insert(wire.end(), data, data + (size < REQUEST ? size : REQUEST - 1));
    }

    void request(const uint8_t *data) {
        const size_t begins = wire.size();
        wire.insert(wire.end(), data, data + REQUEST);
        const uint64_t flags = big_endian(data + 4, 2), command = big_endian(data + 6, 2);
        const unsigned __int128 offset = big_endian(data + 16, 8), length = big_endian(data + 24, 4);
        const uint64_t cookie = replies.size();
        memcpy(&wire[begins + 8], &cookie, 8);
        if (big_endian(data, 4) != 0x25609513 || command == 2) {
            ends = true;
            return;
        }
        const bool known = command == 0 || command == 1 || command == 3 || command == 4 || command == 6;
        bool right = known && !(flags & ~(command == 6 ? 3u : 1u));
        if (command != 3)
            right = right && offset % 512 == 0 && length % 512 == 0 && offset + length <= VRAM &&
                    (command > 1 || length <= LARGEST);
        if (command == 1) {
            if (wire.size() + size_t(length) > 4 << 20) {
                // A write that never comes: whoever waits for it waits, and nobody else does.
                truncated = true;
                ends = true;
                return;
            }
            if (right)
                wire.insert(wire.end(), pattern(WRITTEN) + size_t(offset), pattern(WRITTEN) + size_t(offset + length));
            else
                wire.resize(wire.size() + size_t(length), 0xbd);
        }
        replies.push_back({command, right ? 0u : 22u, begins, size_t(offset), size_t(length)});
    }
};

/// One connection with two batches under way in each lane, as a worker has them.
struct Server {
    Connection c{};
    Store store{};
    unsigned refused = 0; // reads for pages that are known to be lost
    uint64_t tally[64]{};
    std::deque<unsigned> under_way[LANES];
    std::set<uint64_t> failed; // requests of which some part did
    Random random;
    bool fails;

    Server(int fd, Random random_, bool fails_) : random(random_), fails(fails_) {
        c.rx = static_cast<uint8_t *>(malloc(NUMBER(RX_SIZE)));
        c.across = static_cast<uint8_t *>(malloc(NUMBER(ACROSS)));
        c.tx = static_cast<uint8_t *>(malloc(NUMBER(TX_SIZE)));
        PATH(open_connection)(&c, VRAM);
        c.port.fd = fd;
        c.port.tally = tally;
        c.port.store = &store;
        store.is_lost = is_lost;
        asked = this;
    }

    /// Whoever is asked, as a store knows nobody.
    static inline Server *asked = nullptr;

    static int is_lost(Store *, uint64_t offset, uint64_t length) {
        if (offset > VRAM || length > VRAM - offset)
            wrong("a question beyond the segment");
        const bool lost = asked->fails && !asked->random(3);
        asked->refused += lost;
        return lost;
    }

    ~Server() {
        free(c.rx);
        free(c.across);
        free(c.tx);
    }

    int waiting() const {
        int count = 0;
        if (ioctl(c.port.fd, FIONREAD, &count))
            abort();
        return count;
    }

    bool collect() {
        const int before = waiting();
        const unsigned made[] = {c.port.queue[0].made, c.port.queue[1].made};
        const uint64_t parsed = c.rx_parsed;
        const bool work = PATH(has_work)(&c.port);
        PATH(collect)(&c.port);
        if (work && !c.closing && PATH(has_work)(&c.port) && parsed == c.rx_parsed && made[0] == c.port.queue[0].made &&
            made[1] == c.port.queue[1].made)
            wrong("work that cannot be done");
        // What was received may be too little for a step, and room for the rest.
        return before != waiting() || parsed != c.rx_parsed || made[0] != c.port.queue[0].made ||
               made[1] != c.port.queue[1].made;
    }

    bool plan(int lane, unsigned most) {
        Queue &queue = c.port.queue[lane];
        const unsigned count = std::min(queue.made - queue.planned, most);
        if (!count || under_way[lane].size() == 2)
            return false;
        queue.planned += count;
        under_way[lane].push_back(count);
        return true;
    }

    bool finish(int lane) {
        if (under_way[lane].empty())
            return false;
        Queue &queue = c.port.queue[lane];
        for (unsigned n = under_way[lane].front(); n; n--, queue.done++)
            copy(queue.request[queue.done % DEPTH]);
        under_way[lane].pop_front();
        return true;
    }

    void copy(IoRequest &request) {
        if (request.offset > VRAM || request.length > VRAM - request.offset)
            wrong("a copy beyond the segment");
        uint8_t *device = vram + request.offset;
        if (request.op == 0)
            memcpy(request.buffer, device, request.length);
        else if (request.op == 1)
            memcpy(device, request.buffer, request.length);
        else
            memset(device, 0, request.length);
        if (fails && !random(6)) {
            request.status = FAILED;
            failed.insert(request.tag);
        }
        PATH(answer)(&c.port, &request);
    }

    bool send() {
        const uint64_t acks = c.acks_sent, sent = c.sent, freed = c.port.queue[OUT].freed;
        PATH(send)(&c.port);
        return acks != c.acks_sent || sent != c.sent || freed != c.port.queue[OUT].freed;
    }
};

/// Takes replies, and holds each against the model's.
struct Client {
    int fd;
    const Model &model;
    Server &server;
    size_t fed = 0, begun = 0, answered = 0;
    std::vector<uint8_t> head;
    // The reply whose payload is coming.
    size_t current = 0, payload = 0;
    std::vector<uint8_t> open, may = std::vector<uint8_t>(VRAM / SECTOR, FIRST);
    std::vector<unsigned> changing = std::vector<unsigned>(VRAM / SECTOR);
    std::vector<bool> mixed = std::vector<bool>(VRAM / SECTOR); // several changes were under way at a time
    std::vector<std::vector<uint8_t>> seen; // for each read that is open: what its sectors may be

    Client(int fd_, const Model &model_, Server &server_)
        : fd(fd_), model(model_), server(server_), open(model_.replies.size()), seen(model_.replies.size()) {}

    template <typename F> void sectors(const Expected &e, F each) {
        for (size_t s = e.offset / SECTOR; s < (e.offset + e.length) / SECTOR; s++)
            each(s);
    }

    void begin(size_t number) {
        const Expected &e = model.replies[number];
        open[number] = 1;
        if (e.reads())
            sectors(e, [&](size_t s) { seen[number].push_back(may[s]); });
        if (!e.changes())
            return;
        const uint8_t kind = e.command == 1 ? WRITTEN : ZEROED;
        sectors(e, [&](size_t s) { may[s] |= kind, mixed[s] = changing[s]++ > 0 || mixed[s]; });
        for (size_t other = 0; other < begun; other++)
            if (open[other] && model.replies[other].reads())
                sectors(e, [&](size_t s) {
                    const Expected &o = model.replies[other];
                    if (s >= o.offset / SECTOR && s < (o.offset + o.length) / SECTOR)
                        seen[other][s - o.offset / SECTOR] |= kind;
                });
    }

    bool feed(size_t most) {
        const size_t count = std::min(model.wire.size() - fed, most);
        for (; begun < model.replies.size() && model.replies[begun].begins < fed + count; begun++)
            begin(begun);
        const ssize_t sent = ::send(fd, model.wire.data() + fed, count, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent > 0)
            fed += size_t(sent);
        return sent > 0;
    }

    bool take(size_t most) {
        static uint8_t buffer[128 << 10];
        const ssize_t got = recv(fd, buffer, std::min(most, sizeof buffer), MSG_DONTWAIT);
        for (ssize_t i = 0; i < got; i++) {
            if (payload) {
                const size_t count = std::min(payload, size_t(got - i));
                check(buffer + i, count);
                i += ssize_t(count) - 1;
                payload -= count;
                if (!payload)
                    end(0);
                continue;
            }
            head.push_back(buffer[i]);
            if (head.size() == REPLY)
                reply();
        }
        return got > 0;
    }

    void check(const uint8_t *bytes, size_t count) {
        const Expected &e = model.replies[current];
        for (size_t done = e.length - payload; count;) {
            const size_t part = std::min(count, SECTOR - done % SECTOR);
            const uint8_t kinds = seen[current][done / SECTOR];
            // What changes while it is read may be of several kinds within a sector, too.
            const uint8_t *only = kinds & (kinds - 1) ? nullptr : pattern(kinds) + e.offset + done;
            if (only && memcmp(bytes, only, part))
                wrong("a byte that cannot be there");
            for (size_t i = 0; i < part && !only; i++) {
                bool found = false;
                for (uint8_t kind : {FIRST, WRITTEN, ZEROED})
                    found = found || (kinds & kind && bytes[i] == pattern(kind)[e.offset + done + i]);
                if (!found)
                    wrong("a byte that cannot be there");
            }
            bytes += part, done += part, count -= part;
        }
    }

    void reply() {
        uint64_t cookie;
        memcpy(&cookie, head.data() + 8, 8);
        const uint32_t error = uint32_t(big_endian(head.data() + 4, 4));
        if (big_endian(head.data(), 4) != 0x67446698)
            wrong("the magic of a reply");
        if (cookie >= open.size() || !open[cookie])
            wrong("a reply that nobody asked for");
        const Expected &e = model.replies[cookie];
        const bool large = e.reads() && e.length + REPLY > NUMBER(WHOLE);
        if (error == FAILED && error != e.error && !server.failed.count(cookie) && large && server.refused)
            server.refused--;
        else if (error != e.error && !(error == FAILED && server.failed.count(cookie)))
            wrong("the error of a reply");
        if (!error && server.failed.count(cookie) && !e.reads())
            wrong("a failure that is not told");
        head.clear();
        current = cookie;
        payload = e.reads() && !error ? e.length : 0;
        if (!payload)
            end(error);
    }

    void end(uint32_t error) {
        const Expected &e = model.replies[current];
        open[current] = 0;
        answered++;
        if (e.changes())
            sectors(e, [&](size_t s) {
                // Changes under way at a time have no order, and after a failure it may be either, too.
                if (--changing[s])
                    return;
                if (!mixed[s] && !error)
                    may[s] = e.command == 1 ? WRITTEN : ZEROED;
                mixed[s] = false;
            });
    }

    bool has_all() const { return answered == model.replies.size() && !payload && head.empty(); }
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 4)
        return 0;
    if (!vram)
        vram = static_cast<uint8_t *>(malloc(VRAM));
    memcpy(vram, pattern(FIRST), VRAM);
    Random random{big_endian(data, 4)};
    const Model model(data + 4, size - 4);
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends))
        abort();
    {
        Server server(ends[0], random, random(8) == 0);
        Client client(ends[1], model, server);
        // Events in any order, for a while.
        for (int n = 0; n < 400; n++)
            switch (random(8)) {
            case 0: client.feed(1 + random(60)); break;
            case 1: client.feed(1 + random(200 << 10)); break;
            case 2: case 3: server.collect(); break;
            case 4: server.plan(int(random(LANES)), 1 + random(8)); break;
            case 5: server.finish(int(random(LANES))); break;
            case 6: server.send(); break;
            case 7: client.take(1 + random(100 << 10)); break;
            }
        // Then all of them until nothing moves any more: by then every reply has come.
        const auto serve = [&] {
            return server.collect() | server.plan(0, 64) | server.plan(1, 64) | server.finish(0) | server.finish(1) |
                   server.send();
        };
        while (client.feed(1 << 20) | serve() | client.take(1 << 20))
            continue;
        // A long read that fails in the middle can only be answered by the connection's end.
        const bool cut = server.c.broken && !server.failed.empty();
        if (!client.has_all() && !cut)
            wrong("a reply is missing");
        if (model.ends && !model.truncated && !PATH(is_over)(&server.c.port))
            wrong("the connection does not end");
        if (PATH(has_work)(&server.c.port))
            wrong("work that nobody does");
        shutdown(ends[1], SHUT_WR);
        while (serve())
            continue;
        if (!PATH(is_over)(&server.c.port))
            wrong("the connection does not end with its client");
    }
    close(ends[0]);
    close(ends[1]);
    return 0;
}

#ifdef STANDALONE
/// Without libFuzzer: inputs drawn from what is nearly right, so many of them.
int main(int, char **arguments) {
    const unsigned long wanted = strtoul(arguments[1], nullptr, 10);
    Random random{uint64_t(atoi(arguments[2]))};
    const uint16_t commands[] = {0, 0, 0, 1, 1, 1, 3, 4, 6, 2, 5, 99};
    const uint64_t offsets[] = {0, 512, 4096, VRAM - 512, VRAM, 1ull << 63, ~511ull, ~0ull};
    const uint32_t lengths[] = {0, 512, 4096, 65536, 128 << 10, 256 << 10, (256 << 10) + 512, VRAM, VRAM + 512, 1, 0x7fffffff, ~511u};
    for (unsigned long runs = 0; runs < wanted; runs++) {
        std::vector<uint8_t> input;
        auto put = [&](uint64_t value, int count) {
            while (count--)
                input.push_back(uint8_t(value >> 8 * count));
        };
        put(random(1u << 31), 4);
        const bool small = !random(4), large = !small && !random(4);
        for (uint32_t n = random(small ? 400 : large ? 20 : 80); n; n--) {
            // Large ones follow each other, as the kernel sends them.
            const uint32_t size = (1 + random(16)) * (32 << 10) + random(2) * 512;
            put(random(500) ? 0x25609513 : random(1u << 31), 4);
            put(random(8) ? 0 : random(65536), 2);
            put(large && random(8) ? 1 : commands[random(random(20) ? 9 : 12)], 2);
            put(random(1u << 31), 8);
            put(large    ? random((VRAM - size) / 512) * 512ull
                : random(4) ? random(VRAM / 512) * 512ull
                            : offsets[random(8)], 8);
            put(small ? 512 : large ? size : random(4) ? random(64) * 512 : lengths[random(12)], 4);
        }
        for (uint32_t n = random(40); n; n--)
            put(random(256), 1);
        LLVMFuzzerTestOneInput(input.data(), input.size());
    }
    printf("%lu inputs\n", wanted);
}
#endif
