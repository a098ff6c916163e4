// When each target is looked at. The first looks follow each other closely; after that every target has its own slots,
// an interval apart, with a phase that its name gives: the same in every run, and spread evenly over many targets. One
// look at a time per target; one that outlasts its slots misses them, and the misses are counted. A target that fails
// again and again is asked less, and is suspect: what it costs must not be taken from the others.
//
// Told the time, asks nobody. Only for Watcher, on the reactor's thread.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "agent/base/time.h"

namespace medic {

// Counts of durations, by upper bounds in seconds as Prometheus has them.
class DurationCounts {
public:
    static constexpr std::array<double, 12> bounds_s = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30};
    void add(Duration duration);
    [[nodiscard]] std::uint64_t count() const { return counts_.back(); }
    [[nodiscard]] double sum_s() const { return sum_s_; }
    [[nodiscard]] std::uint64_t up_to(std::size_t bound) const { return counts_[bound]; }

private:
    std::array<std::uint64_t, bounds_s.size() + 1> counts_ = {};  // Cumulative; the last one counts all.
    double sum_s_ = 0;
};

// Of all targets of a kind.
struct LookCounts {
    std::size_t targets = 0, suspects = 0;
    std::uint64_t looks = 0, failed = 0, missed = 0;  // `missed`: slots that passed while a look was still under way.
    DurationCounts lateness;                          // From a slot to the look's first request.
    DurationCounts duration;                          // From there to the end.
};

class LookSchedule {
public:
    using Id = std::size_t;
    struct Target {
        std::string name;  // "lab/flink"
        std::string kind;  // "flink": targets of a kind are counted together.
        Duration interval{0};
        Duration first_after{0};   // The first look does not come sooner.
        Duration interval_min{0};  // Above 0: looks that take little time come more often, at most so often.
    };
    enum class Outcome : std::uint8_t { answered, failed };

    Id add(Target target);  // Before start().
    void start(Instant now);

    [[nodiscard]] std::optional<Instant> next() const;  // The earliest slot of a target that no look is under way at.
    // Targets whose slot has come, earliest first. Each counts as looked at until ended() is called for it.
    [[nodiscard]] std::vector<Id> due(Instant now);
    void ended(Id id, Instant began, Outcome outcome, Instant now);
    // It could not begin (the agent itself was too busy): its slot is missed.
    void skipped(Id id, Instant now);

    // What a remedy is judged by is wanted sooner: looked at every `hurried_interval`, until `hurried_for` after the
    // last such wish. A target that fails is not asked more often for that.
    void hurry(Id id, Instant now);

    [[nodiscard]] bool suspect(Id id) const { return entries_[id].failures >= suspect_failures; }
    [[nodiscard]] const Target& target(Id id) const { return entries_[id].target; }
    [[nodiscard]] std::size_t size() const { return entries_.size(); }
    [[nodiscard]] std::map<std::string, LookCounts> counts() const;

    static constexpr Duration hurried_interval{5'000}, hurried_for{20'000};
    // A target with `interval_min` is looked at for at most one part in so many of the time: what a look takes is the
    // most that it can have cost one of the target's cores.
    static constexpr int time_per_look = 100;
    static constexpr int suspect_failures = 1;
    static constexpr int back_off_failures = 3;       // From this failure in a row on, a target is asked less:
    static constexpr int back_off_intervals_max = 4;  // an interval more for each failure, up to so many intervals …
    static constexpr Duration back_off_max{60'000};   // … and so much longer than its interval.

private:
    struct Entry {
        Target target;
        Instant slot;  // The next one, or the one that the look under way was for.
        Duration phase{0};
        int failures = 0;              // In a row.
        std::optional<Instant> began;  // Of the last look.
        Duration takes{0};             // A look: the longest of the last few.
        std::optional<Instant> hurried_until;
    };
    void arm(Id id, Instant not_before);
    void pull_forward(Id id, Instant now);

    std::vector<Entry> entries_;
    std::set<std::pair<Instant, Id>> waiting_;
    std::map<std::string, LookCounts> counts_;
    Instant began_;
};

}  // namespace medic
