// How analyzers read a View: series by name and labels, how a counter moves, who runs where.
// Everything answers "not known" rather than 0. For analyzers only.
#pragma once

#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "classifiers/view.h"

namespace medic::analyzers {

// How a counter or gauge has moved lately. All from the samples themselves, so a late look is no standstill.
struct Motion {
    WallTime oldest, newest;     // First and last sample looked at.
    WallTime changed;            // First sample that showed the present value; `oldest` when it never moved.
    double value = 0;            // The newest one.
    bool moved = false;          // It changed at least once.
    Duration standing{0};        // newest − changed.
    Duration longest_before{0};  // The longest standstill before that; the series' own habit.
    std::size_t samples = 0;

    [[nodiscard]] Duration observed_before() const { return changed - oldest; }
};

// A view of one label's value. Keeps nothing: a text that dies with the statement is refused, since LabelValues that
// have a name would look at it afterwards.
struct LabelValue {
    std::string_view label, value;

    LabelValue(std::string_view of, std::string_view is) : label(of), value(is) {}
    template <typename Text>
        requires(std::same_as<std::remove_cv_t<Text>, std::string>)
    LabelValue(std::string_view of, Text&& dies) = delete;
};
using LabelValues = std::vector<LabelValue>;

class Lookup {
public:
    Lookup(const View& view, const Now& now) : view_(view), now_(now) {}

    [[nodiscard]] std::vector<SeriesId> select(std::string_view name, const LabelValues& labels = {}) const;
    [[nodiscard]] std::string label(SeriesId id, std::string_view name) const;
    [[nodiscard]] std::optional<Sample> sample(SeriesId id) const;  // Fresh, or nothing.
    [[nodiscard]] std::optional<double> value(SeriesId id) const;
    // The one value of a series that the labels pick out; nullopt when there is none, none fresh, or several.
    [[nodiscard]] std::optional<double> value(std::string_view name, const LabelValues& labels) const;
    // Samples within `window` before now, without stale markers.
    [[nodiscard]] std::vector<Sample> history(SeriesId id, Duration window) const;
    // Within `window` before now it had no other value.
    [[nodiscard]] bool is_only(SeriesId id, double value, Duration window) const;
    // All that was told of one series within the window, from the sample that held when it began; nullopt: it is not
    // fresh, does not reach back so far, has a gap that may hide anything, or the labels pick out several.
    [[nodiscard]] std::optional<std::vector<Sample>> all_along(std::string_view name, const LabelValues& labels,
                                                               Duration window) const;
    // It was told all along and never had another value.
    [[nodiscard]] bool held(std::string_view name, const LabelValues& labels, double value, Duration window) const;
    // nullopt: fewer than two samples, or none fresh.
    [[nodiscard]] std::optional<Motion> motion(SeriesId id, Duration window) const;
    // Likewise of the processor time of the node's process, within its own life.
    [[nodiscard]] std::optional<Motion> cpu_motion(const LabelValues& node, Duration window) const;
    // As much of the window as the node's process has lived, where that is known: what another one did before it, as
    // one that was fenced for standing still, is no habit of its own.
    [[nodiscard]] Duration within_its_life(const LabelValues& node, Duration window) const;
    // Since when a gauge has held its present value, as far as the window reaches; nullopt when not fresh. It begins
    // anew after a time in which it was told to be gone, or in which nobody told it for longer than a look or two.
    [[nodiscard]] std::optional<WallTime> since(SeriesId id, Duration window) const;
    // When it was first told to be what it is now: nobody may have seen it all the while since.
    [[nodiscard]] std::optional<WallTime> first_told(SeriesId id, Duration window) const;

    // The label `state` of the series that is 1 now.
    [[nodiscard]] std::optional<std::pair<std::string, WallTime>> state(std::string_view name,
                                                                        const LabelValues& labels,
                                                                        Duration window) const;

    // Jobs that are RUNNING now and have been for `at_least`: one that just began still catches up.
    [[nodiscard]] std::vector<Subject> jobs_running_for(Duration at_least) const;

    // The agent's own loop ran late, or every process that we can see stood still at once: silence proves nothing.
    [[nodiscard]] bool starved(std::string_view cluster) const;

    // A whole number that topology tells of the subject; nullopt: not told, or no number.
    [[nodiscard]] std::optional<double> number(const Subject& subject, std::string_view attribute) const;

    // The node (driver name) that hosts a task manager, worker or broker.
    [[nodiscard]] std::optional<std::string> node_of(const Subject& subject) const;
    // The Flink of the job answers; where that is not known, and without a job, every Flink of the cluster.
    [[nodiscard]] bool flink_answers(const std::string& cluster, const std::string& job = {}) const;
    // Warm spares of the role that are up and idle, by node name.
    [[nodiscard]] std::vector<std::string> spares(std::string_view cluster, std::string_view role) const;

    [[nodiscard]] const View& view() const { return view_; }
    [[nodiscard]] const Now& now() const { return now_; }

private:
    const View& view_;
    const Now& now_;
    mutable std::vector<Sample> buffer_;
};

// Brokers' and workers' pages are read once a minute: two and a half looks.
inline constexpr Duration page_fresh_within{150'000};

[[nodiscard]] Motion motion_of(const std::vector<Sample>& samples);  // At least one sample.
// It stands for longer than `floor` and than its own habit, or than a cautious floor where no habit is known.
[[nodiscard]] bool unusual(const Motion& motion, Duration floor);

// A process that stands: its clock of CPU time, and what the kernel calls it.
[[nodiscard]] Evidence uses_no_cpu(const std::string& node, const Motion& ticks);
[[nodiscard]] std::optional<Evidence> stopped_by_signal(const Lookup& lookup, const LabelValues& node, WallTime at);

// Enough samples, over long enough, for a mean or a rate.
[[nodiscard]] bool spans(const std::vector<Sample>& samples, Duration span_min);
// Of a counter, per second; one that began anew counts on from there. nullopt: not `spans`.
[[nodiscard]] std::optional<double> rate_of(const std::vector<Sample>& samples, Duration span_min);
[[nodiscard]] double mean_of(const std::vector<Sample>& samples);  // At least one sample.
[[nodiscard]] double median_of(std::vector<double> values);  // At least one value; of two in the middle the upper.

// "70 %": a share for a person.
[[nodiscard]] std::string percent_of(double ratio);
// "12 s", "3 min": a duration for a person.
[[nodiscard]] std::string spoken(Duration duration);
// Of an attribute that lists names, "1,2,3"; "" and one that nobody has told list none.
[[nodiscard]] std::vector<std::string> listed(const std::optional<std::string>& attribute);

}  // namespace medic::analyzers
