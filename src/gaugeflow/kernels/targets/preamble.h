// What generated kernels stand on: one thread is one lane of one block (or step) of one batch, or a share of its work.
// CUDA: compile with -fmad=false.  Host, for tests: -ffp-contract=off; a call is one thread.
typedef long long i64;
typedef unsigned long long u64;

#ifdef __CUDACC__
#define DEVICE static __device__ __forceinline__
#define KERNEL(name, ...) extern "C" __global__ void name(__VA_ARGS__)
#define THREAD_PLACE                                                                          \
    const i64 thread_number = (i64)blockIdx.x * blockDim.x + threadIdx.x;                     \
    const i64 lane = thread_number % W, thread_item = thread_number / W, thread_batch = blockIdx.y;
#define HOST_LOOP(name, typed, ...)
#define SHARE blockIdx.z
#define SHARES gridDim.z
DEVICE double bits_to_real(u64 x) { return __longlong_as_double((i64)x); }
DEVICE u64 real_to_bits(double x) { return (u64)__double_as_longlong(x); }
DEVICE double negated(double x) { return -x; }
DEVICE float negated(float x) { return -x; }
DEVICE void add_to(double* place, double x) { atomicAdd(place, x); }
DEVICE void raise(double* place, double x) {  // both not negative, so their order is that of their bits
    atomicMax((u64*)place, real_to_bits(x));
}
#else
#include <math.h>
#include <string.h>
#define DEVICE static inline
#define KERNEL(name, ...) extern "C" void name(i64 thread_batch, i64 thread_item, i64 lane, __VA_ARGS__)
#define THREAD_PLACE
#define ARGUMENTS(...) __VA_ARGS__
static i64 SHARE, SHARES;
#define HOST_LOOP(name, typed, ...)                                                                  \
    extern "C" void all_##name(i64 batches, i64 items, i64 shares, typed) {                          \
        SHARES = shares;                                                                             \
        for (SHARE = 0; SHARE < shares; ++SHARE)                                                     \
            for (i64 batch_ = 0; batch_ < batches; ++batch_)                                         \
                for (i64 item_ = 0; item_ < items; ++item_)                                          \
                    for (i64 lane_ = 0; lane_ < W; ++lane_) name(batch_, item_, lane_, __VA_ARGS__); \
    }
DEVICE double bits_to_real(u64 x) { double y; memcpy(&y, &x, 8); return y; }
DEVICE u64 real_to_bits(double x) { u64 y; memcpy(&y, &x, 8); return y; }
DEVICE double negated(double x) {  // not -x, which g++ merges with fma(-a, b, c) into a b - c: another sign of zero
    return bits_to_real(real_to_bits(x) ^ (1ull << 63));
}
DEVICE float negated(float x) {
    unsigned bits;
    memcpy(&bits, &x, 4);
    bits ^= 1u << 31;
    memcpy(&x, &bits, 4);
    return x;
}
DEVICE void add_to(double* place, double x) { *place += x; }
DEVICE void raise(double* place, double x) { if (!(x <= *place)) *place = x; }
#endif

template <class NUMBER, int COUNT> struct Registers {
    typedef NUMBER number;
    static const int count = COUNT;
    NUMBER v[COUNT];
};

DEVICE i64 load_word(i64 address, i64 index) { return ((const i64*)address)[index]; }

template <class T> DEVICE void copy_element(i64 to, i64 to_offset, i64 from, i64 offset) {
    ((typename T::number*)to)[to_offset] = ((const typename T::number*)from)[offset];
}

template <class T> DEVICE T load_lane(i64 lane, i64 address, i64 offset) {
    T out;
    const i64 bytes = sizeof(typename T::number);
    const char* from = (const char*)(address + bytes * (offset + lane));
    for (int k = 0; k < T::count; ++k) memcpy(&out.v[k], from + bytes * k * W, bytes);
    return out;
}

// Addresses are chosen first, so that there is one load: a load in every branch would cost registers.
template <class T> DEVICE T load_other_lane(i64 lane, i64 address, i64 offset, i64 beside, i64 table, i64 row) {
    const i64 from = load_word(table, row * 2 * W + lane);
    const bool second = from >= W;
    return load_lane<T>(second ? from - W : from, address, second ? beside : offset);
}

template <class T> DEVICE T load_lane_of_other_lane(i64 lane, i64 address, i64 a, i64 b, i64 row, i64 c, i64 d,
                                                    i64 next_row, i64 table, i64 first) {
    const i64 from = load_word(table, first * 2 * W + lane);
    const bool second = from >= W;
    return load_other_lane<T>(second ? from - W : from, address, second ? c : a, second ? d : b, table,
                              second ? next_row : row);
}

template <class T> DEVICE void store_lane(i64 lane, i64 address, i64 offset, const T& value) {
    const i64 bytes = sizeof(typename T::number);
    char* to = (char*)(address + bytes * (offset + lane));
    for (int k = 0; k < T::count; ++k) memcpy(to + bytes * k * W, &value.v[k], bytes);
}
