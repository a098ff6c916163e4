// Which of many literals occur in a text, in one pass over it: each literal is filed under four of its bytes that few
// of the others hold (two, where it is shorter), so that nearly every place of a text is passed by after a look at one
// bit. Bytes are compared as they are: who wants no case folds both sides. Knows nothing of regular expressions.
// For line_patterns.cc, which asks it what a line holds before it runs an automaton.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace medic {

class LiteralSet {
public:
    static constexpr std::size_t bytes_min = 2;  // A shorter literal is never found.

    LiteralSet() = default;
    explicit LiteralSet(const std::vector<std::string>& literals);

    // Appends the number (its position in `literals`) of each literal that occurs, once for every place where it does,
    // in no order. Linear in the text's length; what one place costs is bounded by the literals that share four bytes.
    void find(std::string_view text, std::vector<int>& found) const;

private:
    struct Filed {
        std::uint32_t start = 0, size = 0;  // In `bytes_`.
        std::uint32_t key_at = 0;           // Where in the literal the bytes stand that it is filed under.
        int number = 0;
        char first = 0, last = 0;  // Of its bytes: most that share four with it differ there.
    };
    struct Slot {
        std::uint32_t key = 0;
        std::uint32_t first = 0, count = 0;  // In `filed`; count 0: a free slot.
    };
    // The literals of one key width, as an open hash table.
    struct Index {
        static constexpr int filter_bits = 17, filter_shift = 32 - filter_bits;
        std::array<std::uint64_t, (std::size_t{1} << filter_bits) / 64> filter{};  // Bits, of hashed keys.
        std::vector<Slot> slots;   // A power of two of them, at most half of them taken.
        std::vector<Filed> filed;  // Those of one key side by side.

        [[nodiscard]] const Slot* look_up(std::uint32_t key) const;
    };

    template <class Key>
    void build(const std::vector<std::string>& literals, Index& index);
    template <class Key>
    void find_by(const Index& index, std::string_view text, std::vector<int>& found) const;
    // The literals filed under the key that stands there.
    void find_at(const Index& index, std::uint32_t key, std::string_view text, std::size_t at,
                 std::vector<int>& found) const;

    std::string bytes_;  // All literals, one behind the other.
    Index by_four_, by_two_;
};

}  // namespace medic
