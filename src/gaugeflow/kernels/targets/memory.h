// Numbers in memory that many threads change; sums stay exact in any order.
DEVICE void add_exactly(i64 lane, i64 address, i64 offset, const Registers<double, 1>& x) {
    double* place = (double*)(address + 8 * (offset + lane));
    add_to(place, EXACT_HIGH(x).v[0]);
    add_to(place + W, EXACT_LOW(x).v[0]);
}

DEVICE void raise_to(i64 lane, i64 address, i64 offset, const Registers<double, 1>& x) {
    raise((double*)(address + 8 * (offset + lane)), x.v[0]);
}

DEVICE i64 own_place(i64 lane, i64 address, i64 item, i64 size) { return address + REAL_BYTES * item * size; }

DEVICE bool mine(i64 lane, i64 j) { return j % (i64)SHARES == (i64)SHARE; }

// A second way costs registers, and addresses are all that differs.
DEVICE bool shortcut(i64 lane, bool possible) { return false; }
