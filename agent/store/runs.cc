#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "agent/store/runs_internal.h"
#include "agent/store/series.h"

namespace medic::store_detail {
namespace {

enum Kind : std::uint8_t { whole = 0, raw = 1, stale = 2, milli = 3 };
constexpr std::uint8_t kind_mask = 0x03, has_gap = 0x04, has_length = 0x08;
constexpr std::uint64_t follows = 15;
constexpr double exact_max = 9'007'199'254'740'992.0;  // 2^53: up to here doubles hold whole numbers exactly.

// `value` in units of 1/scale, if that gives back the very same bits.
std::optional<std::int64_t> exactly(double value, double scale) {
    const double scaled = value * scale;
    if (!(std::abs(scaled) < exact_max)) return std::nullopt;  // Also false for NaN.
    const auto number = static_cast<std::int64_t>(std::llround(scaled));
    if (std::bit_cast<std::uint64_t>(static_cast<double>(number) / scale) != std::bit_cast<std::uint64_t>(value))
        return std::nullopt;
    return number;
}

// The base of a difference: both sides derive it alike from the value before.
std::int64_t base_of(double previous, double scale) {
    const double scaled = previous * scale;
    return std::abs(scaled) < exact_max ? static_cast<std::int64_t>(std::llround(scaled)) : 0;
}

std::uint64_t zigzag(std::int64_t number) {
    return (static_cast<std::uint64_t>(number) << 1) ^ static_cast<std::uint64_t>(number >> 63);
}
std::int64_t unzigzag(std::uint64_t number) {
    return static_cast<std::int64_t>(number >> 1) ^ -static_cast<std::int64_t>(number & 1);
}

std::size_t put_varint(std::uint8_t* out, std::uint64_t number) {
    std::size_t size = 0;
    while (number >= 0x80) {
        out[size++] = static_cast<std::uint8_t>(number | 0x80);
        number >>= 7;
    }
    out[size++] = static_cast<std::uint8_t>(number);
    return size;
}

}  // namespace

bool Block::push(const Run& run, double& previous) {
    std::uint8_t text[32];
    std::size_t size = 1;
    std::uint8_t flags = 0;
    const Ordinal expected = used == 0 ? run.first : last + 1;
    if (run.first != expected) {
        flags |= has_gap;
        size += put_varint(text + size, run.first - expected);
    }
    if (run.last != run.first) {
        flags |= has_length;
        size += put_varint(text + size, run.last - run.first);
    }
    if (is_stale_marker(run.value)) {
        flags |= stale;
    } else {
        const auto number = exactly(run.value, 1);
        const auto thousandths = number ? std::nullopt : exactly(run.value, 1000);
        if (number || thousandths) {
            const double scale = number ? 1 : 1000;
            flags |= number ? whole : milli;
            const std::uint64_t difference = zigzag((number ? *number : *thousandths) - base_of(previous, scale));
            flags |= static_cast<std::uint8_t>(std::min(difference, follows) << 4);
            if (difference >= follows) size += put_varint(text + size, difference);
        } else {
            flags |= raw;
            std::memcpy(text + size, &run.value, sizeof run.value);
            size += sizeof run.value;
        }
    }
    text[0] = flags;
    if (used + size > capacity) return false;
    std::memcpy(bytes + used, text, size);
    if (used == 0) first = run.first;
    used = static_cast<std::uint8_t>(used + size);
    last = run.last;
    if ((flags & kind_mask) != stale) previous = run.value;
    return true;
}

std::uint64_t BlockReader::varint() {
    std::uint64_t number = 0;
    for (unsigned shift = 0;; shift += 7) {
        const std::uint8_t byte = block_.bytes[at_++];
        number |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
        if (byte < 0x80) return number;
    }
}

std::optional<Run> BlockReader::next() {
    if (at_ >= block_.used) return std::nullopt;
    const std::uint8_t flags = block_.bytes[at_++];
    Run run;
    run.first = next_ + (flags & has_gap ? static_cast<Ordinal>(varint()) : 0);
    run.last = run.first + (flags & has_length ? static_cast<Ordinal>(varint()) : 0);
    next_ = run.last + 1;
    switch (flags & kind_mask) {
        case stale: run.value = stale_marker(); return run;
        case raw:
            std::memcpy(&run.value, block_.bytes + at_, sizeof run.value);
            at_ += sizeof run.value;
            break;
        default: {
            const double scale = (flags & kind_mask) == whole ? 1 : 1000;
            std::uint64_t difference = flags >> 4;
            if (difference == follows) difference = varint();
            run.value = static_cast<double>(base_of(previous_, scale) + unzigzag(difference)) / scale;
        }
    }
    previous_ = run.value;
    return run;
}

}  // namespace medic::store_detail
