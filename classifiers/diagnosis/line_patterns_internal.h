// Many patterns against many lines, fast: a pattern is only run on a line that holds a literal it cannot match without.
// A regular-expression set over some hundred alternations outgrows any sensible automaton; this stays small and linear.
// For text_matcher.cc, and for catalogue.cc, which refuses what could not be run.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <re2/filtered_re2.h>
#include <re2/re2.h>

#include "classifiers/diagnosis/catalogue.h"

namespace medic {

// How every signature's pattern is read.
[[nodiscard]] re2::RE2::Options signature_options();
// What is run for a signature: its pattern, anchored to the owner's name where only some owners' frames count.
[[nodiscard]] std::string pattern_of(const Signature& signature);

class LinePatterns {
public:
    // Returns the pattern's number: 0, 1, 2, … A broken or too large one is refused.
    [[nodiscard]] Result<int> add(const std::string& pattern);
    void compile();

    // Marks in `matched` (one flag per pattern) those that hold for the line; flags already set are not looked at
    // again.
    // Returns the patterns that are new; valid until the next call on this thread.
    const std::vector<int>& match(std::string_view line, std::vector<bool>& matched) const;
    [[nodiscard]] bool holds(int pattern, std::string_view line) const;

private:
    static constexpr int atom_bytes_min = 4;
    static constexpr std::size_t filter_bits = 1 << 16;

    static std::uint32_t gram(const char* bytes);
    static std::size_t slot(std::uint32_t gram) { return (gram * 2654435761U) >> 16; }

    std::unique_ptr<re2::FilteredRE2> patterns_ = std::make_unique<re2::FilteredRE2>(atom_bytes_min);
    std::vector<std::string> atoms_;   // Lower case.
    std::bitset<filter_bits> filter_;  // Of the atoms' first four bytes.
    // Atoms share their beginnings; their last bytes tell most of them apart without a look at the rest.
    struct Atom {
        std::uint32_t tail = 0;  // The last four bytes.
        std::uint32_t size = 0;
        int id = 0;
    };
    std::unordered_map<std::uint32_t, std::vector<Atom>> atoms_by_gram_;
    std::size_t count_ = 0;
};

}  // namespace medic
