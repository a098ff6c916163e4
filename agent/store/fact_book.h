// The newest facts that the loop asked for, each with a short history: enough to tell progress from a standstill.
// Not a store: a few hundred keys, a few dozen points each. Owned by the loop; handed to guards and verification by
// reference.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "agent/store/fact.h"

namespace medic {

struct FactBookOptions {
    std::size_t keys_max = 10'000;
    std::size_t points_max = 64;    // Per key.
    Duration kept{10 * 60 * 1000};  // A key not heard of for this long is forgotten.
    Duration future_max{2'000};     // An observation further ahead than this is a lie or a clock step: not taken.
};

class FactBook {
public:
    explicit FactBook(FactBookOptions options = {}) : options_(options) {}

    // Takes a fact over. A point older than the newest one is a late answer and is dropped; an unknown replaces the
    // newest.
    void record(const Fact& fact, WallTime now);
    void forget_before(WallTime now);
    void clear() { keys_.clear(); }  // After a clock step: ages of what was heard before mean nothing.

    // The newest answer, unknown included; nullptr when nobody has answered yet.
    [[nodiscard]] const Fact* latest(const FactKey& key) const;
    // Somebody has answered since, be it that nobody knows.
    [[nodiscard]] bool answered_since(const FactKey& key, WallTime since) const;
    // The newest answer if it is known and not older than `age_max`.
    [[nodiscard]] const Fact* fresh(const FactKey& key, WallTime now, Duration age_max) const;

    // Did the counter rise between two observations made after `since`? nullopt: fewer than two known ones.
    // A fall is a counter reset (a restarted task), not progress.
    [[nodiscard]] std::optional<bool> rose_since(const FactKey& key, WallTime since) const;
    // Units per second over the rises observed after `since`; nullopt: fewer than two known observations 1 s apart.
    [[nodiscard]] std::optional<double> rate_since(const FactKey& key, WallTime since) const;

    [[nodiscard]] std::size_t size() const { return keys_.size(); }

private:
    struct Entry {
        Fact newest;
        WallTime heard_at;
        std::deque<std::pair<WallTime, double>> points;
    };
    FactBookOptions options_;
    std::map<FactKey, Entry> keys_;
};

}  // namespace medic
