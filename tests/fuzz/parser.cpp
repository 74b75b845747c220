// Feeds the data path with one connection's bytes in any order of events, and checks what comes out against a model.
//
// The generated C++ of transport.pyx is part of this file, so what runs is what the engine runs, but for CUDA: here a
// copy is a memcpy, whose ends the sanitizer watches. An input is a seed for the order of events, then requests of 28
// bytes; the payload of a write follows by itself. Every reply has to be the one that the model says, none may be
// missing, and the connection has to end.
#include TRANSPORT

#include <cstdlib>
#include <cstring>
#include <deque>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

#define PATH(name) __pyx_f_12vramswap_gui_6server_6engine_9transport_##name
using Connection = struct __pyx_t_12vramswap_gui_6server_6engine_9transport_Connection;
using Copies = struct __pyx_t_12vramswap_gui_6server_6engine_10copy_batch_Copies;

namespace {

constexpr size_t REQUEST = 28, REPLY = 16, RING = 256 << 10, VRAM = 640 << 10, LARGEST = 32 << 20, MOST = 400;

[[noreturn]] void wrong(const char *what) {
    fprintf(stderr, "WRONG: %s\n", what);
    abort();
}

uint8_t *vram;

CUresult zero(CUdeviceptr address, unsigned char value, size_t length, CUstream) {
    memset(reinterpret_cast<void *>(address), value, length);
    return CUDA_SUCCESS;
}

struct Random {
    uint64_t state;
    uint32_t operator()(uint32_t below) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        return uint32_t(state >> 33) % below;
    }
};

struct Expected {
    uint32_t error;
    uint64_t cookie;
    size_t payload;
};

uint64_t big_endian(const uint8_t *bytes, int count) {
    uint64_t value = 0;
    for (int i = 0; i < count; i++)
        value = value << 8 | bytes[i];
    return value;
}

/// What a client sends, and what has to come back, as the protocol has it (the NBD project's doc/proto.md).
struct Model {
    std::vector<uint8_t> wire;
    std::vector<Expected> replies;
    bool ends = false; // the server closes by itself

    Model(const uint8_t *data, size_t size) {
        for (size_t n = 0; size >= REQUEST && n < MOST && !ends; n++, data += REQUEST, size -= REQUEST)
            request(data);
        if (!ends && size)
            wire.insert(wire.end(), data, data + (size < REQUEST ? size : REQUEST - 1));
    }

    void request(const uint8_t *data) {
        wire.insert(wire.end(), data, data + REQUEST);
        const uint64_t flags = big_endian(data + 4, 2), command = big_endian(data + 6, 2);
        const unsigned __int128 offset = big_endian(data + 16, 8), length = big_endian(data + 24, 4);
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
            for (size_t i = 0; i < length; i++)
                wire.push_back(uint8_t(i * 7 + wire.size()));
        }
        uint64_t cookie;
        memcpy(&cookie, data + 8, 8);
        replies.push_back({right ? 0u : 22u, cookie, right && command == 0 ? size_t(length) : 0});
    }

    bool truncated = false;
};

/// One connection with two batches under way, as a worker has them.
struct Server {
    Connection c{};
    Copies copies[2]{};
    uint64_t tally[64]{};
    std::deque<int> launched;

    explicit Server(int fd) {
        c.state = 1;
        c.fd = fd;
        c.base = reinterpret_cast<uint64_t>(vram);
        c.size = VRAM;
        c.rx = static_cast<uint8_t *>(malloc(RING));
        c.tx = static_cast<uint8_t *>(malloc(RING));
        for (Copies &each : copies)
            each.tally = tally;
    }

    ~Server() {
        free(c.rx);
        free(c.tx);
    }

    bool gather() {
        for (int batch = 0; batch < 2; batch++)
            if (!c.in_batch[batch]) {
                if (PATH(gather)(&copies[batch], batch, &c)) {
                    launched.push_back(batch);
                    return true;
                }
                if (copies[batch].count)
                    wrong("copies of a connection that is not part of the batch");
                return false;
            }
        return false;
    }

    bool finish() {
        if (launched.empty())
            return false;
        const int batch = launched.front();
        launched.pop_front();
        Copies &all = copies[batch];
        for (int i = 0; i < all.count; i++) {
            const uint64_t device = all.inward[i] ? all.target[i] : all.source[i];
            if (device < c.base || device + all.length[i] > c.base + c.size)
                wrong("a copy beyond the segment");
            memcpy(reinterpret_cast<void *>(all.target[i]), reinterpret_cast<void *>(all.source[i]), all.length[i]);
        }
        all.count = 0;
        PATH(batch_done)(batch, &c);
        return true;
    }

    bool send() {
        const uint64_t before = c.tx_sent;
        PATH(send_replies)(&c);
        return c.tx_sent != before;
    }
};

/// Takes replies, and holds each against the model's.
struct Client {
    int fd;
    const Model &model;
    size_t fed = 0, next = 0, payload = 0;
    std::vector<uint8_t> head;

    bool feed(size_t most) {
        const size_t left = model.wire.size() - fed;
        const ssize_t sent = ::send(fd, model.wire.data() + fed, left < most ? left : most, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent > 0)
            fed += size_t(sent);
        return sent > 0;
    }

    bool take(size_t most) {
        static uint8_t buffer[128 << 10];
        const ssize_t got = recv(fd, buffer, most < sizeof buffer ? most : sizeof buffer, MSG_DONTWAIT);
        for (ssize_t i = 0; i < got; i++) {
            if (payload) {
                const size_t skip = payload < size_t(got - i) ? payload : size_t(got - i);
                payload -= skip;
                i += ssize_t(skip) - 1;
                continue;
            }
            head.push_back(buffer[i]);
            if (head.size() == REPLY)
                reply();
        }
        return got > 0;
    }

    void reply() {
        if (next == model.replies.size())
            wrong("a reply that nobody asked for");
        const Expected &expected = model.replies[next++];
        uint64_t cookie;
        memcpy(&cookie, head.data() + 8, 8);
        if (big_endian(head.data(), 4) != 0x67446698)
            wrong("the magic of a reply");
        if (big_endian(head.data() + 4, 4) != expected.error)
            wrong("the error of a reply");
        if (cookie != expected.cookie)
            wrong("the cookie of a reply");
        payload = expected.payload;
        head.clear();
    }

    bool has_all() const { return next == model.replies.size() && !payload && head.empty(); }
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 4)
        return 0;
    __pyx_f_4cuda_8bindings_8cydriver_cuMemsetD8Async = zero;
    if (!vram)
        vram = static_cast<uint8_t *>(malloc(VRAM));
    Random random{big_endian(data, 4)};
    const Model model(data + 4, size - 4);
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends))
        abort();
    {
        Server server(ends[0]);
        Client client{ends[1], model};
        // Events in any order, for a while.
        for (int n = 0; n < 300; n++)
            switch (random(6)) {
            case 0: client.feed(1 + random(60)); break;
            case 1: client.feed(1 + random(200 << 10)); break;
            case 2: server.gather(); break;
            case 3: server.finish(); break;
            case 4: server.send(); break;
            case 5: client.take(1 + random(100 << 10)); break;
            }
        // Then all of them until nothing moves any more: by then every reply has come.
        while (client.feed(1 << 20) | server.gather() | server.finish() | server.send() | client.take(1 << 20))
            continue;
        if (!client.has_all())
            wrong("a reply is missing");
        if (model.ends && !model.truncated && !PATH(is_over)(&server.c))
            wrong("the connection does not end");
        if (PATH(has_work)(&server.c))
            wrong("work that nobody does");
        shutdown(ends[1], SHUT_WR);
        while (server.gather() | server.finish() | server.send())
            continue;
        if (!PATH(is_over)(&server.c))
            wrong("the connection does not end with its client");
    }
    close(ends[0]);
    close(ends[1]);
    return 0;
}

#ifdef STANDALONE
/// Without libFuzzer: inputs drawn from what is nearly right, for so many seconds.
int main(int, char **arguments) {
    const unsigned long wanted = strtoul(arguments[1], nullptr, 10);
    Random random{uint64_t(atoi(arguments[2]))};
    const uint16_t commands[] = {0, 0, 0, 1, 1, 1, 3, 4, 6, 2, 5, 99};
    const uint64_t offsets[] = {0, 512, 4096, VRAM - 512, VRAM, 1ull << 63, ~511ull, ~0ull};
    const uint32_t lengths[] = {0, 512, 4096, 65536, 256 << 10, (256 << 10) + 512, VRAM, VRAM + 512, 1, 0x7fffffff, ~511u};
    for (unsigned long runs = 0; runs < wanted; runs++) {
        std::vector<uint8_t> input;
        auto put = [&](uint64_t value, int count) {
            while (count--)
                input.push_back(uint8_t(value >> 8 * count));
        };
        put(random(1u << 31), 4);
        for (uint32_t n = random(80); n; n--) {
            put(random(500) ? 0x25609513 : random(1u << 31), 4);
            put(random(8) ? 0 : random(65536), 2);
            put(commands[random(random(20) ? 9 : 12)], 2);
            put(random(1u << 31), 8);
            put(random(4) ? random(VRAM / 512) * 512ull : offsets[random(8)], 8);
            put(random(4) ? random(64) * 512 : lengths[random(11)], 4);
        }
        for (uint32_t n = random(40); n; n--)
            put(random(256), 1);
        LLVMFuzzerTestOneInput(input.data(), input.size());
    }
    printf("%lu inputs\n", wanted);
}
#endif
