// Many patterns against many lines, fast: a pattern is only run on a line that holds a literal it cannot match without.
// A regular-expression set over some hundred alternations outgrows any sensible automaton; this stays small and linear.
// For text_matcher.cc, and for catalogue.cc, which refuses what could not be run.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <re2/filtered_re2.h>
#include <re2/re2.h>

#include "classifiers/diagnosis/catalogue.h"
#include "classifiers/diagnosis/literal_set_internal.h"

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
    // A piece without operators: comparing bytes tells as much as its automaton, in a fraction of the time.
    struct Plain {
        std::string text;  // Lower case where case is folded.
        bool at_start = false, at_end = false, folded = false;

        [[nodiscard]] bool holds(std::string_view line) const;
    };
    [[nodiscard]] static std::optional<Plain> plain_of(std::string_view piece);

    // Built by whichever thread runs it first: most never are.
    struct Automaton {
        std::once_flag once;
        std::unique_ptr<re2::RE2> built;
    };
    // One alternative of a pattern.
    struct Piece {
        int pattern = 0;
        std::string re2;
        std::optional<Plain> plain;
        std::unique_ptr<Automaton> automaton = std::make_unique<Automaton>();

        [[nodiscard]] bool holds(std::string_view line, std::string_view lower) const;
    };

    // What a line must hold for a piece: one atom of each clause.
    using Clauses = std::vector<std::vector<int>>;
    [[nodiscard]] Clauses clauses_of(const re2::FilteredRE2& filter, const std::vector<std::string>& atoms);
    void wake_by_rarest();
    // Whether the line's atoms, `there`, hold one of each clause that begins at `guard`.
    [[nodiscard]] bool guards_allow(std::size_t guard, const std::vector<char>& there) const;
    // The pieces that a line's literals allow, ascending.
    void wake(std::string_view lower, std::vector<int>& awake) const;

    // By piece and by atom, until compile(), which files them.
    struct Given {
        std::vector<Clauses> clauses;
        std::vector<std::string> atoms;  // Lower case.
        std::unordered_map<std::string, int> numbers;
    };
    // Side by side in memory: every line walks through these.
    struct Waking {
        int piece = 0;
        std::uint32_t guard = 0;  // What else the line must hold, in `guards_`.
    };
    static constexpr int clause_end = -1, guard_end = -2;

    int count_ = 0;  // Of patterns.
    std::vector<Piece> pieces_;
    Given given_;
    LiteralSet atoms_;
    std::vector<std::uint32_t> wakes_from_;  // By atom, and one more: where in `wakes_` its pieces begin.
    std::vector<Waking> wakes_;
    std::vector<int> guards_;        // Atoms of a clause, clause_end, those of the next, clause_end, guard_end.
    std::vector<int> always_awake_;  // Pieces that may hold for a line without any atom.
};

}  // namespace medic
