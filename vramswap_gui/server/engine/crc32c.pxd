# SPDX-License-Identifier: MIT
# CRC32C (RFC 3720, appendix B.4) of whole pages, by the processor's instruction where it has one, else by tables.
#
# The instruction takes three cycles and can be started in each, so three stretches of a page are summed at once and put
# together by tables that say what so many bytes of zeroes make of a sum: it is linear. After M. Adler's crc32c.c.
from libc.stdint cimport uint32_t

cdef extern from *:
    """
    #include <stddef.h>
    #include <stdint.h>
    #include <string.h>

    enum { CRC_PAGE = 4096, CRC_STRETCH = 1360 };

    static uint32_t crc_bytes[8][256], crc_over_stretch[4][256], crc_over_page[4][256];
    static int crc_hardware;

    static uint32_t crc_by_tables(uint32_t sum, const unsigned char *data, size_t size) {
        for (; size >= 8; size -= 8, data += 8) {
            uint64_t word;
            memcpy(&word, data, 8);
            word ^= sum;
            sum = 0;
            for (int i = 0; i < 8; i++)
                sum ^= crc_bytes[7 - i][word >> (8 * i) & 255];
        }
        while (size--)
            sum = sum >> 8 ^ crc_bytes[0][(sum ^ *data++) & 255];
        return sum;
    }

    static inline uint32_t crc_shift(const uint32_t table[4][256], uint32_t sum) {
        return table[0][sum & 255] ^ table[1][sum >> 8 & 255] ^ table[2][sum >> 16 & 255] ^ table[3][sum >> 24];
    }

    #if defined(__x86_64__)
    __attribute__((target("crc32")))
    static uint32_t crc_by_instruction(uint32_t sum, const unsigned char *data) {
        uint64_t a = sum, b = 0, c = 0, x, y, z;
        size_t i;
        for (i = 0; i < CRC_STRETCH; i += 8) {
            memcpy(&x, data + i, 8);
            memcpy(&y, data + i + CRC_STRETCH, 8);
            memcpy(&z, data + i + 2 * CRC_STRETCH, 8);
            a = __builtin_ia32_crc32di(a, x);
            b = __builtin_ia32_crc32di(b, y);
            c = __builtin_ia32_crc32di(c, z);
        }
        b ^= crc_shift(crc_over_stretch, (uint32_t)a);
        c ^= crc_shift(crc_over_stretch, (uint32_t)b);
        for (i = 3 * CRC_STRETCH; i < CRC_PAGE; i += 8) {
            memcpy(&x, data + i, 8);
            c = __builtin_ia32_crc32di(c, x);
        }
        return (uint32_t)c;
    }
    static int crc_has_instruction(void) { return __builtin_cpu_supports("sse4.2"); }
    #else
    static uint32_t crc_by_instruction(uint32_t sum, const unsigned char *data) {
        return crc_by_tables(sum, data, CRC_PAGE);
    }
    static int crc_has_instruction(void) { return 0; }
    #endif

    static void crc_over_zeroes(uint32_t table[4][256], size_t size) {
        static unsigned char zeroes[CRC_PAGE];
        for (int i = 0; i < 4; i++)
            for (int bit = 0; bit < 8; bit++) {
                uint32_t one = crc_by_tables((uint32_t)1 << (8 * i + bit), zeroes, size);
                for (int n = 0; n < 256; n++)
                    table[i][n] ^= n >> bit & 1 ? one : 0;
            }
    }

    static void crc_prepare(int hardware) {
        if (!crc_bytes[0][1]) {
            for (uint32_t n = 0; n < 256; n++) {
                uint32_t sum = n;
                for (int bit = 0; bit < 8; bit++)
                    sum = sum & 1 ? sum >> 1 ^ 0x82f63b78u : sum >> 1;
                crc_bytes[0][n] = sum;
            }
            for (int i = 1; i < 8; i++)
                for (int n = 0; n < 256; n++)
                    crc_bytes[i][n] = crc_bytes[i - 1][n] >> 8 ^ crc_bytes[0][crc_bytes[i - 1][n] & 255];
            crc_over_zeroes(crc_over_stretch, CRC_STRETCH);
            crc_over_zeroes(crc_over_page, CRC_PAGE);
        }
        crc_hardware = hardware && crc_has_instruction();
    }

    static inline uint32_t crc_of_page(uint32_t seed, const unsigned char *data) {
        return ~(crc_hardware ? crc_by_instruction(~seed, data) : crc_by_tables(~seed, data, CRC_PAGE));
    }

    static inline uint32_t crc_of_zero_page(uint32_t seed) { return ~crc_shift(crc_over_page, ~seed); }
    """
    # Once, before all else; `hardware`: whether the instruction may be used.
    void crc_prepare(bint hardware) nogil
    # Whether it is.
    bint crc_hardware
    # The sum of the 4,096 bytes of a page, which goes on from `seed`.
    uint32_t crc_of_page(uint32_t seed, const unsigned char *data) nogil
    # The same of a page of zeroes, without looking at one.
    uint32_t crc_of_zero_page(uint32_t seed) nogil
