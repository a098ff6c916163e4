// How samples are kept: runs of equal values over consecutive batches of a target. A counter or gauge of whole numbers
// costs 2–3 bytes a change, thousandths as much, anything else 9; a value that stays costs nothing. Only for
// SeriesStore.
//
// One run: a byte of flags, then what they announce.
//   bits 0–1  kind: whole (difference to the value before), raw (8 bytes), stale (the marker), milli (as whole, in
//   1/1000) bit 2     a gap follows: batches since the run before that did not carry the series bit 3     a length
//   follows: batches beyond the first bits 4–7  whole and milli: the zigzag difference when below 15, or 15 and it
//   follows
#pragma once

#include <cstdint>
#include <optional>

namespace medic::store_detail {

// A batch's number within its target, counted from 1; times are kept once per target.
using Ordinal = std::uint32_t;

struct Run {
    Ordinal first = 0, last = 0;
    double value = 0;
};

// 120 bytes, so that the allocator's header makes it 128: two cache lines.
struct Block {
    static constexpr std::size_t capacity = 108;
    Ordinal first = 0, last = 0;
    std::uint16_t target = 0;
    std::uint8_t used = 0;
    std::uint8_t thinned_s = 0;  // A sample per so many seconds was kept; 0: all.
    std::uint8_t bytes[capacity] = {};

    // Appends a run; `previous` is the last value before it that was no stale marker (0 for an empty block) and is
    // updated. False when the block has no room left.
    bool push(const Run& run, double& previous);
};

class BlockReader {
public:
    explicit BlockReader(const Block& block) : block_(block), next_(block.first) {}
    [[nodiscard]] std::optional<Run> next();

private:
    std::uint64_t varint();

    const Block& block_;
    Ordinal next_;
    std::size_t at_ = 0;
    double previous_ = 0;
};

}  // namespace medic::store_detail
