# SPDX-License-Identifier: MIT
# CRC32C (RFC 3720, appendix B.4) of whole pages, by the best way that the processor has.
#
# By folding: 32 bytes are replaced by others, 128 bytes further on, that leave the same remainder; multiplication without
# carries makes them. What is left of a page in the end goes through the instruction. After V. Gopal et al., Fast CRC
# Computation for Generic Polynomials Using PCLMULQDQ Instruction (Intel, 2009).
#
# By the instruction: it takes three cycles and can be started in each, so three stretches of a page are summed at once
# and put together by tables that say what so many bytes of zeroes make of a sum: it is linear. After M. Adler's crc32c.c.
#
# Else by tables.
from libc.stdint cimport uint32_t

cdef extern from *:
    """
    #include <stddef.h>
    #include <stdint.h>
    #include <string.h>
    #if defined(__x86_64__)
    #include <cpuid.h>
    #include <immintrin.h>
    #endif

    enum { CRC_PAGE = 4096, CRC_STRETCH = 1360 };
    enum { CRC_BY_TABLES, CRC_BY_INSTRUCTION, CRC_BY_FOLDING };
    /* CPUID's leaf 7, ecx: compilers do not agree about its name. */
    enum { CRC_VPCLMULQDQ = 1 << 10 };

    static uint32_t crc_bytes[8][256], crc_over_stretch[4][256], crc_over_page[4][256];
    static int crc_way;

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

    /* Multiplied by which the first and the second half of 16 bytes move on by 128, 32 and 16 bytes. */
    static uint64_t crc_by_128[2], crc_by_32[2], crc_by_16[2];

    /* x to that power, modulo the polynomial, as the multiplication of bits in reverse order wants it. */
    static uint64_t crc_power(int power) {
        uint32_t rest = (uint32_t)1 << 31;
        while (power--)
            rest = rest & 1 ? rest >> 1 ^ 0x82f63b78u : rest >> 1;
        return (uint64_t)rest << 32;
    }

    static void crc_move_on(uint64_t factor[2], int bytes) {
        factor[0] = crc_power(8 * bytes + 63);
        factor[1] = crc_power(8 * bytes - 1);
    }

    #define CRC_FOLDING __attribute__((target("crc32,avx2,pclmul,vpclmulqdq")))

    CRC_FOLDING static inline __m256i crc_32_bytes(const unsigned char *data) {
        return _mm256_loadu_si256((const __m256i *)data);
    }

    CRC_FOLDING static inline __m256i crc_folded(__m256i from, __m256i factor, __m256i onto) {
        __m256i first = _mm256_clmulepi64_epi128(from, factor, 0x00), second = _mm256_clmulepi64_epi128(from, factor, 0x11);
        return _mm256_xor_si256(_mm256_xor_si256(first, second), onto);
    }

    CRC_FOLDING static inline __m256i crc_factor(const uint64_t factor[2]) {
        return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)factor));
    }

    CRC_FOLDING static uint32_t crc_by_folding(uint32_t sum, const unsigned char *data) {
        __m256i factor = crc_factor(crc_by_128);
        __m256i a = _mm256_xor_si256(crc_32_bytes(data), _mm256_set_epi64x(0, 0, 0, sum));
        __m256i b = crc_32_bytes(data + 32), c = crc_32_bytes(data + 64), d = crc_32_bytes(data + 96);
        for (size_t i = 128; i < CRC_PAGE; i += 128) {
            a = crc_folded(a, factor, crc_32_bytes(data + i));
            b = crc_folded(b, factor, crc_32_bytes(data + i + 32));
            c = crc_folded(c, factor, crc_32_bytes(data + i + 64));
            d = crc_folded(d, factor, crc_32_bytes(data + i + 96));
        }
        factor = crc_factor(crc_by_32);
        d = crc_folded(crc_folded(crc_folded(a, factor, b), factor, c), factor, d);
        /* The first 16 bytes onto the others. */
        d = crc_folded(d, crc_factor(crc_by_16), _mm256_permute2x128_si256(d, d, 0x81));
        return (uint32_t)__builtin_ia32_crc32di(
            __builtin_ia32_crc32di(0, (uint64_t)_mm256_extract_epi64(d, 0)), (uint64_t)_mm256_extract_epi64(d, 1));
    }

    /* Asked of the processor, for __builtin_cpu_supports() always says no where compiler-rt is zig's. Whether the kernel
       keeps the registers is in XCR0 (Intel's Software Developer's Manual, volume 1, 13.3 and 14.3). */
    static int crc_best_way(void) {
        const unsigned keeps = bit_OSXSAVE | bit_AVX;
        unsigned a, b, c, d, kept, high;
        if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_SSE4_2))
            return CRC_BY_TABLES;
        if ((c & keeps) != keeps || !(c & bit_PCLMUL))
            return CRC_BY_INSTRUCTION;
        __asm__ volatile("xgetbv" : "=a"(kept), "=d"(high) : "c"(0));
        if ((kept & 6) != 6 || !__get_cpuid_count(7, 0, &a, &b, &c, &d))
            return CRC_BY_INSTRUCTION;
        return b & bit_AVX2 && c & CRC_VPCLMULQDQ ? CRC_BY_FOLDING : CRC_BY_INSTRUCTION;
    }

    static void crc_prepare_folding(void) {
        crc_move_on(crc_by_128, 128);
        crc_move_on(crc_by_32, 32);
        crc_move_on(crc_by_16, 16);
    }
    #else
    static uint32_t crc_by_instruction(uint32_t sum, const unsigned char *data) {
        return crc_by_tables(sum, data, CRC_PAGE);
    }
    static uint32_t crc_by_folding(uint32_t sum, const unsigned char *data) {
        return crc_by_tables(sum, data, CRC_PAGE);
    }
    static int crc_best_way(void) { return CRC_BY_TABLES; }
    static void crc_prepare_folding(void) {}
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

    static void crc_prepare(int best) {
        int found = crc_best_way();
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
            crc_prepare_folding();
        }
        crc_way = best < found ? best : found;
    }

    static inline uint32_t crc_of_page(uint32_t seed, const unsigned char *data) {
        if (crc_way == CRC_BY_FOLDING)
            return ~crc_by_folding(~seed, data);
        return ~(crc_way == CRC_BY_INSTRUCTION ? crc_by_instruction(~seed, data) : crc_by_tables(~seed, data, CRC_PAGE));
    }

    static inline uint32_t crc_of_zero_page(uint32_t seed) { return ~crc_shift(crc_over_page, ~seed); }
    """
    enum: CRC_BY_TABLES, CRC_BY_INSTRUCTION, CRC_BY_FOLDING
    # Once, before all else; `best` is the best way that may be taken, if the processor has it.
    void crc_prepare(int best) nogil
    # The one that is taken.
    int crc_way
    # The sum of the 4,096 bytes of a page, which goes on from `seed`.
    uint32_t crc_of_page(uint32_t seed, const unsigned char *data) nogil
    # The same of a page of zeroes, without looking at one.
    uint32_t crc_of_zero_page(uint32_t seed) nogil
