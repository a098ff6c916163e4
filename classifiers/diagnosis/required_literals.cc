#include "classifiers/diagnosis/required_literals_internal.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <span>

namespace medic {
namespace {

using Atoms = std::vector<int>;

// The filter is a growing function of the atoms that are there: more of them never forbid what fewer allow.
class Filter {
public:
    explicit Filter(const re2::FilteredRE2& pattern) : pattern_(pattern) {}

    bool lets_through(std::span<const int> atoms, std::span<const int> more = {}) {
        asked_.assign(atoms.begin(), atoms.end());
        asked_.insert(asked_.end(), more.begin(), more.end());
        pattern_.AllPotentials(asked_, &answer_);
        return !answer_.empty();
    }
    // How many of `more`, in their order, are enough beside `atoms`; all of them are.
    std::size_t enough(std::span<const int> atoms, std::span<const int> more) {
        std::size_t low = 0, high = more.size();
        while (low < high) {
            const auto middle = (low + high) / 2;
            if (lets_through(atoms, more.first(middle))) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        return high;
    }

private:
    const re2::FilteredRE2& pattern_;
    std::vector<int> asked_, answer_;
};

// Atoms that are enough together, none of which can be left out.
Atoms minimal_set(Filter& filter, Atoms pool) {
    Atoms set;
    while (!filter.lets_through(set)) {
        pool.resize(filter.enough(set, pool));
        set.push_back(pool.back());
        pool.pop_back();
    }
    return set;
}

// The clause that `one` of a minimal set stands for: it, whatever may stand for it beside the others of the set, and
// one atom of each further way around all these. Without any of them the filter lets nothing through.
Atoms clause_around(Filter& filter, const Atoms& set, int one, const Atoms& all) {
    Atoms others = set, clause{one}, left;
    std::erase(others, one);
    for (const int atom : all) {
        if (std::ranges::find(set, atom) != set.end()) continue;
        const std::array instead{atom};
        (filter.lets_through(others, instead) ? clause : left).push_back(atom);
    }
    // The others of the set are not enough, so the last one that is needed is one of those left.
    while (filter.lets_through(others, left)) {
        const auto last = static_cast<std::ptrdiff_t>(filter.enough(others, left)) - 1;
        clause.push_back(left[static_cast<std::size_t>(last)]);
        left.erase(left.begin() + last);
    }
    return clause;
}

}  // namespace

std::vector<std::vector<int>> required_literals(const re2::FilteredRE2& pattern,
                                                const std::vector<std::string>& atoms) {
    Filter filter{pattern};
    if (filter.lets_through({})) return {};
    // Short ones first: the last one needed of a set is then its longest, which the fewest lines hold.
    Atoms all(atoms.size());
    std::iota(all.begin(), all.end(), 0);
    std::ranges::stable_sort(all, {}, [&](int atom) { return atoms[static_cast<std::size_t>(atom)].size(); });
    if (!filter.lets_through(all)) return {};  // Of an empty line's pattern the filter knows nothing: it is run.
    const auto set = minimal_set(filter, all);
    std::vector<std::vector<int>> clauses;
    for (const int one : set) clauses.push_back(clause_around(filter, set, one, all));
    return clauses;
}

}  // namespace medic
