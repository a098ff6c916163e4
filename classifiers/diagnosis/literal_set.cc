#include <algorithm>
#include <bit>
#include <cstring>
#include <unordered_map>

#include "classifiers/diagnosis/literal_set_internal.h"

namespace medic {
namespace {

using KeyOfFour = std::uint32_t;
using KeyOfTwo = std::uint16_t;

std::uint32_t hash(std::uint32_t key) { return key * 2654435761U; }  // Knuth's: its upper bits are well mixed.

template <class Key>
Key key_at(const char* bytes) {
    Key key = 0;
    std::memcpy(&key, bytes, sizeof key);
    return key;
}

template <class Key>
bool is_of_width(std::string_view literal) {
    return sizeof(Key) == sizeof(KeyOfFour)
               ? literal.size() >= sizeof(KeyOfFour)
               : literal.size() >= LiteralSet::bytes_min && literal.size() < sizeof(KeyOfFour);
}

// Where in the literal the bytes stand that occur least often in all literals.
template <class Key>
std::size_t rarest_key(std::string_view literal, const std::unordered_map<std::uint32_t, std::uint32_t>& counts) {
    std::size_t best = 0;
    std::uint32_t fewest = UINT32_MAX;
    for (std::size_t at = 0; at + sizeof(Key) <= literal.size(); ++at)
        if (const auto count = counts.at(key_at<Key>(literal.data() + at)); count < fewest) {
            fewest = count;
            best = at;
        }
    return best;
}

}  // namespace

const LiteralSet::Slot* LiteralSet::Index::look_up(std::uint32_t key) const {
    const auto mask = slots.size() - 1;
    for (auto at = (hash(key) >> 8) & mask;; at = (at + 1) & mask) {
        const auto& slot = slots[at];
        if (slot.count == 0) return nullptr;
        if (slot.key == key) return &slot;
    }
}

template <class Key>
void LiteralSet::build(const std::vector<std::string>& literals, Index& index) {
    std::unordered_map<std::uint32_t, std::uint32_t> counts;
    for (const auto& literal : literals)
        for (std::size_t at = 0; is_of_width<Key>(literal) && at + sizeof(Key) <= literal.size(); ++at)
            ++counts[key_at<Key>(literal.data() + at)];
    std::vector<std::pair<std::uint32_t, Filed>> keyed;
    for (std::size_t number = 0; number < literals.size(); ++number) {
        const auto& literal = literals[number];
        if (!is_of_width<Key>(literal)) continue;
        const auto at = rarest_key<Key>(literal, counts);
        keyed.push_back({key_at<Key>(literal.data() + at), Filed{.start = static_cast<std::uint32_t>(bytes_.size()),
                                                                 .size = static_cast<std::uint32_t>(literal.size()),
                                                                 .key_at = static_cast<std::uint32_t>(at),
                                                                 .number = static_cast<int>(number),
                                                                 .first = literal.front(),
                                                                 .last = literal.back()}});
        bytes_ += literal;
    }
    std::ranges::stable_sort(keyed, {}, [](const auto& one) { return one.first; });
    index.slots.resize(std::bit_ceil(2 * keyed.size() + 1));
    const auto mask = index.slots.size() - 1;
    for (const auto& [key, filed] : keyed) {
        auto at = (hash(key) >> 8) & mask;
        while (index.slots[at].count != 0 && index.slots[at].key != key) at = (at + 1) & mask;
        auto& slot = index.slots[at];
        if (slot.count++ == 0) {
            slot.key = key;
            slot.first = static_cast<std::uint32_t>(index.filed.size());
        }
        index.filed.push_back(filed);
        const auto bit = hash(key) >> Index::filter_shift;
        index.filter[bit / 64] |= std::uint64_t{1} << (bit % 64);
    }
}

LiteralSet::LiteralSet(const std::vector<std::string>& literals) {
    build<KeyOfFour>(literals, by_four_);
    build<KeyOfTwo>(literals, by_two_);
}

void LiteralSet::find_at(const Index& index, std::uint32_t key, std::string_view text, std::size_t at,
                         std::vector<int>& found) const {
    const auto* slot = index.look_up(key);
    if (slot == nullptr) return;
    for (std::size_t i = slot->first; i < slot->first + slot->count; ++i) {
        const auto& filed = index.filed[i];
        if (filed.key_at > at || filed.size > text.size() - (at - filed.key_at)) continue;
        const char* const begins = text.data() + (at - filed.key_at);
        if (*begins != filed.first || begins[filed.size - 1] != filed.last) continue;
        if (std::memcmp(begins, bytes_.data() + filed.start, filed.size) == 0) found.push_back(filed.number);
    }
}

// Every byte of every text comes through here: nothing is called for a place that no literal is filed under.
template <class Key>
void LiteralSet::find_by(const Index& index, std::string_view text, std::vector<int>& found) const {
    const std::uint64_t* const filter = index.filter.data();
    for (std::size_t at = 0; at + sizeof(Key) <= text.size(); ++at) {
        const std::uint32_t key = key_at<Key>(text.data() + at), bit = hash(key) >> Index::filter_shift;
        if (((filter[bit / 64] >> (bit % 64)) & 1) != 0) find_at(index, key, text, at, found);
    }
}

void LiteralSet::find(std::string_view text, std::vector<int>& found) const {
    find_by<KeyOfFour>(by_four_, text, found);
    find_by<KeyOfTwo>(by_two_, text, found);
}

}  // namespace medic
